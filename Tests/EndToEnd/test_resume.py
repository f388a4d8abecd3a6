"""A run that was killed or stopped goes on as if nothing had happened."""

import os
import signal
import time

import pytest

import checkpoints
import program

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
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=["SIGTERM", "SIGUSR1"])
def test_a_signal_leads_to_a_checkpoint_exit_75_and_a_bit_identical_end(
        snapshot, undisturbed, tmp_path, number, ranks):
    if ranks is None:
        program.succeed(*options(snapshot, tmp_path / "alone"))
        undisturbed = tmp_path / "alone"
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
    program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    last = f"checkpoints/epoch-{EPOCHS:04}.h5"
    assert checkpoints.differences(undisturbed / last, tmp_path / "run" / last) == []


def test_resume_falls_back_from_a_damaged_checkpoint(snapshot, undisturbed, tmp_path):
    process = program.start(*options(snapshot, tmp_path / "run"), ranks=2)
    wait_for_step(tmp_path / "run", second_epoch(undisturbed), process)
    program.kill(process)
    program.finish(process)
    good = tmp_path / "run/checkpoints/epoch-0001.h5"
    # A newer one that was cut in half, as a dying disk leaves it.
    (tmp_path / "run/checkpoints/epoch-0002.h5").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    program.succeed(*options(snapshot, tmp_path / "run"), "--resume", ranks=2)
    end_like(undisturbed, tmp_path / "run")
