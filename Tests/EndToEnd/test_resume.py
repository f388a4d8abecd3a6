"""A run that was killed or stopped goes on as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import checkpoints
import program
import reading_processes
import stored_mutants

EPOCHS = 3
# Wide enough that an epoch lasts a second or so, and a signal meets it in its middle.
SLOW = ["--filters", "[150,150,150]", "--recurrent-units", 60]


def options(snapshot, run):
    return ["train", "--data", snapshot, "--out", run, "--batch-size", 8, "--epochs", EPOCHS, *SLOW,
            "--seed", 21, "--log-every", 1, "--split", "random:0.9", "--threads", 1]


@pytest.fixture(scope="module")
def undisturbed(snapshot, tmp_path_factory):
    run = tmp_path_factory.mktemp("resume") / "undisturbed"
    program.succeed(*options(snapshot, run), ranks=2)
    return run


@pytest.fixture(scope="module")
def undisturbed_alone(snapshot, tmp_path_factory):
    run = tmp_path_factory.mktemp("resume") / "alone"
    program.succeed(*options(snapshot, run))
    return run


def wait_for_step(run, step, process, timeout=90):
    """Until the run has logged this step of its second epoch."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if any(line["epoch"] == 2 and line["step"] >= step for line in checkpoints.metrics(run, "step")):
                return
        except (OSError, ValueError):
            pass  # not there yet, or the last line half-written
        time.sleep(0.02)
    program.kill(process)
    raise AssertionError(f"never came to step {step}: {program.finish(process)}")


def second_epoch(undisturbed):
    """A step well inside the second epoch."""
    steps = [line["step"] for line in checkpoints.metrics(undisturbed, "step") if line["epoch"] == 2]
    return steps[len(steps) // 3]


def end_like(undisturbed, run):
    last = f"checkpoints/epoch-{EPOCHS:04}.h5"
    assert checkpoints.differences(undisturbed / last, run / last) == []
    ours, theirs = ([checkpoints.without_times(line) for line in checkpoints.metrics(folder, "epoch")]
                    for folder in (run, undisturbed))
    assert ours[-1] == theirs[-1]
    assert checkpoints.metrics(run, "resume")


def test_after_sigkill_in_mid_epoch_the_weights_end_bit_identical(snapshot, undisturbed, tmp_path):
    process = program.start(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    wait_for_step(tmp_path / "run", second_epoch(undisturbed), process)
    program.kill(process)
    assert program.finish(process).code != program.DONE
    assert not (tmp_path / f"run/checkpoints/epoch-{EPOCHS:04}.h5").exists()
    program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    end_like(undisturbed, tmp_path / "run")


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP], ids=["SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_signal_leads_to_a_checkpoint_exit_75_and_a_bit_identical_end(
        snapshot, undisturbed, undisturbed_alone, tmp_path, number, ranks):
    if ranks is None:
        undisturbed = undisturbed_alone
    process = program.start(*options(snapshot, tmp_path / "run"), ranks=ranks)
    step = second_epoch(undisturbed)
    wait_for_step(tmp_path / "run", step, process)
    # To one rank only: they agree. mpirun itself would end its ranks on SIGTERM a second later.
    os.kill(process.pid if ranks is None else a_rank_of(process), number)
    outcome = program.finish(process, timeout=60)
    assert outcome.code == program.STOPPED, str(outcome)
    # It stopped where it was, not at the end of the epoch.
    assert not (tmp_path / "run/checkpoints/epoch-0002.h5").exists()
    program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=ranks)
    end_like(undisturbed, tmp_path / "run")
    steps = [line["step"] for line in checkpoints.metrics(tmp_path / "run", "step")]
    assert steps == sorted(set(steps)), "no step was taken twice, none left out"


def a_rank_of(mpirun):
    """The process id of the last rank that this mpirun started."""
    children = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue  # ended meanwhile
            if parent == mpirun.pid:
                children.append(int(entry.name))
    return max(children)


def test_resume_starts_afresh_where_there_is_no_checkpoint(snapshot, undisturbed, tmp_path):
    outcome = program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    assert "no checkpoint in" in outcome.errors and "at its beginning" in outcome.errors, str(outcome)
    last = f"checkpoints/epoch-{EPOCHS:04}.h5"
    assert checkpoints.differences(undisturbed / last, tmp_path / "run" / last) == []


def test_resume_falls_back_from_a_damaged_checkpoint_and_keeps_it(snapshot, undisturbed, tmp_path):
    process = program.start(*options(snapshot, tmp_path / "run"), ranks=2)
    wait_for_step(tmp_path / "run", second_epoch(undisturbed), process)
    program.kill(process)
    program.finish(process)
    program.wait_until_gone(tmp_path / "run")
    # Ranks may have come to the end of their second epoch before they noticed.
    for file in (tmp_path / "run/checkpoints").glob("*.h5"):
        if file.name != "epoch-0001.h5":
            file.unlink()
    good = tmp_path / "run/checkpoints/epoch-0001.h5"
    # A newer one that was cut in half, as a dying disk leaves it; one of that name has been set aside before.
    half = good.read_bytes()[: good.stat().st_size // 2]
    damaged = tmp_path / "run/checkpoints/epoch-0002.h5"
    damaged.write_bytes(half)
    (tmp_path / "run/checkpoints/epoch-0002.h5.damaged").write_bytes(b"an older one")
    outcome = program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    end_like(undisturbed, tmp_path / "run")
    assert (tmp_path / "run/checkpoints/epoch-0002.h5.damaged").read_bytes() == b"an older one"
    assert (tmp_path / "run/checkpoints/epoch-0002.h5.damaged-2").read_bytes() == half
    assert "epoch-0002.h5.damaged-2" in outcome.errors, str(outcome)


# Small runs, for what happens before the first step.

def small(snapshot, run, *more):
    return ["train", "--data", snapshot, "--out", run, "--filters", "[4,4,4]", "--recurrent-units", 3, "--epochs", 3,
            "--batch-size", 12, "--threads", 1, "--resume", *more]


@pytest.fixture(scope="module")
def short_run(snapshot, tmp_path_factory):
    folder = tmp_path_factory.mktemp("short") / "run"
    program.succeed(*small(snapshot, folder), "--epochs", 2)
    return folder


def bytes_of(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("ranks", [None, 2])
def test_resume_with_damaged_checkpoints_alone_sets_them_aside_and_says_that_it_starts_afresh(
        snapshot, short_run, tmp_path, ranks):
    shutil.copytree(short_run, tmp_path / "run")
    folder = tmp_path / "run/checkpoints"
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-5000])
    before = bytes_of(folder)
    assert before.keys() == {"best.h5", "epoch-0001.h5", "epoch-0002.h5"}
    outcome = program.succeed(*small(snapshot, tmp_path / "run"), ranks=ranks)
    assert "no good checkpoint in" in outcome.errors, str(outcome)
    for name, content in before.items():
        assert (folder / f"{name}.damaged").read_bytes() == content
        assert f"{name}.damaged" in outcome.errors, str(outcome)
    assert [line["epoch"] for line in checkpoints.metrics(tmp_path / "run", "epoch")] == [1, 2, 3]


def test_a_resume_that_is_refused_sets_nothing_aside(snapshot, short_run, tmp_path):
    shutil.copytree(short_run, tmp_path / "run")
    newest = tmp_path / "run/checkpoints/epoch-0002.h5"
    newest.write_bytes(newest.read_bytes()[:-5000])
    before = bytes_of(tmp_path / "run")
    program.refuse(program.run(*small(snapshot, tmp_path / "run", "--seed", 99)), program.BAD_DATA, "another run")
    assert bytes_of(tmp_path / "run") == before


def test_a_checkpoint_whose_trying_process_is_killed_is_not_taken_for_broken(snapshot, short_run, tmp_path):
    """As where memory is used up. Here the system kills the process for its processor time, which a checkpoint takes
    over which HDF5 loops; what is killed from outside has proven nothing."""
    shutil.copytree(short_run, tmp_path / "run")
    stored_mutants.endless(tmp_path / "run/checkpoints/epoch-0002.h5")
    before = bytes_of(tmp_path / "run")
    line = " ".join(f"'{word}'" for word in program.command(small(snapshot, tmp_path / "run")))
    outcome = program.finish(program.start_line(["sh", "-c", f"ulimit -t 4; exec {line}"]))
    program.refuse(outcome, program.OUR_FAULT, "epoch-0002.h5", "killed")
    assert bytes_of(tmp_path / "run") == before


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV], ids=lambda number: number.name)
def test_a_signal_from_outside_to_a_trying_process_proves_nothing(snapshot, short_run, tmp_path, number):
    """A launcher passes SIGABRT on to all processes of a job: that is no crash over the checkpoint."""
    shutil.copytree(short_run, tmp_path / "run")
    stored_mutants.endless(tmp_path / "run/checkpoints/epoch-0002.h5")
    before = bytes_of(tmp_path / "run")
    process = program.start(*small(snapshot, tmp_path / "run"))
    trying = []
    while not trying and process.poll() is None:
        trying = [each for each in reading_processes.children(process.pid) if reading_processes.processor_seconds(each) > 1]
        time.sleep(0.05)
    os.kill(trying[0], number)
    program.refuse(program.finish(process), program.OUR_FAULT, "epoch-0002.h5", "killed")
    assert bytes_of(tmp_path / "run") == before


def test_a_rank_that_crashes_says_which(snapshot, undisturbed, tmp_path):
    process = program.start(*options(snapshot, tmp_path / "run"), ranks=2)
    wait_for_step(tmp_path / "run", second_epoch(undisturbed), process)
    os.kill(a_rank_of(process), signal.SIGILL)
    outcome = program.finish(process, timeout=60)
    assert outcome.code == 128 + signal.SIGILL, str(outcome)
    crashed = [line for line in program.complaints(outcome) if "crashed" in line]
    assert len(crashed) == 1 and "rank 1 on" in crashed[0], str(outcome)


NOBODY = 65534


@pytest.fixture
def unprivileged(snapshot, short_run):
    """A folder of a user whom permissions bind, with the program, the songs and a run; and how to resume that."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copy(program.BINARY, folder / "crnn-dist")
        shutil.copy(snapshot, folder / "songs.h5")
        shutil.copytree(short_run, folder / "run")
        is_root = os.geteuid() == 0
        if is_root:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if is_root else {}

        def resume():
            line = [str(folder / "crnn-dist"), *map(str, small(folder / "songs.h5", folder / "run"))]
            process = subprocess.Popen(line, env=program.environment(HOME=folder), text=True, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **drop)
            process.started = time.monotonic()
            return program.finish(process)

        yield folder, resume


def test_a_user_can_resume_as_such(unprivileged):
    """The tests below fail for the permissions alone."""
    folder, resume = unprivileged
    outcome = resume()
    assert outcome.code == program.DONE, str(outcome)
    assert checkpoints.metrics(folder / "run", "resume")


@pytest.mark.parametrize("names", [["epoch-0001.h5", "epoch-0002.h5", "best.h5"], ["epoch-0002.h5"]],
                         ids=["all", "newest"])
def test_checkpoints_that_may_not_be_read_are_not_taken_for_broken(unprivileged, names):
    folder, resume = unprivileged
    before = bytes_of(folder / "run")
    for name in names:
        (folder / "run/checkpoints" / name).chmod(0)
    outcome = resume()
    program.refuse(outcome, program.MISSING, "epoch-0002.h5" if len(names) == 1 else "best.h5", "permission denied")
    assert bytes_of(folder / "run") == before


def test_metrics_that_may_not_be_read_are_not_lost(unprivileged):
    folder, resume = unprivileged
    before = bytes_of(folder / "run")
    (folder / "run/metrics.jsonl").chmod(0)
    program.refuse(resume(), program.MISSING, "metrics.jsonl", "permission denied")
    assert bytes_of(folder / "run") == before


def test_a_torn_line_of_metrics_costs_no_other(snapshot, short_run, tmp_path):
    """A kill can leave half a line, and half a letter."""
    shutil.copytree(short_run, tmp_path / "run")
    with open(tmp_path / "run/metrics.jsonl", "ab") as file:
        file.write('{"event": "step", "é'.encode()[:-1])
    program.succeed(*small(snapshot, tmp_path / "run"))
    assert [line["epoch"] for line in checkpoints.metrics(tmp_path / "run", "epoch")] == [1, 2, 3]
    assert len(checkpoints.metrics(tmp_path / "run", "start")) == 1


def test_checkpoints_that_may_not_be_listed_are_not_taken_for_none(unprivileged):
    folder, resume = unprivileged
    before = bytes_of(folder / "run")
    (folder / "run/checkpoints").chmod(0o300)
    try:
        program.refuse(resume(), program.MISSING, "checkpoints", "permission denied")
    finally:
        (folder / "run/checkpoints").chmod(0o700)
    assert bytes_of(folder / "run") == before
