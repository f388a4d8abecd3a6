"""A disk that is full, or no longer writable, at the time of a checkpoint: a warning, and the training goes on."""

import os
import shutil
import signal
import subprocess
import time

import pytest

import checkpoints
import program

EPOCHS = 8
LAST = f"checkpoints/epoch-{EPOCHS:04}.h5"


def options(snapshot, run):
    return ["train", "--data", snapshot, "--out", run, "--filters", "[40,40,40]", "--recurrent-units", 20, "--epochs",
            EPOCHS, "--batch-size", 12, "--seed", 5, "--log-every", 1, "--keep-checkpoints", 2, "--threads", 1,
            "--split", "random:0.8", "--resume"]


@pytest.fixture(scope="module")
def undisturbed(snapshot, tmp_path_factory):
    run = tmp_path_factory.mktemp("disks") / "undisturbed"
    program.succeed(*options(snapshot, run))
    return run


def mount(*arguments):
    if os.geteuid() != 0:
        pytest.skip("mounting a disk of the test's own needs root")
    mounted = subprocess.run(["mount", *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a disk: {mounted.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "small"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "crnn-dist-test", disk)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture
def breaking_disk(tmp_path):
    """A file system that can be told of an error, on which the kernel makes it read-only."""
    disk, image = tmp_path / "breaking", tmp_path / "image"
    disk.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    maker = shutil.which("mkfs.ext4", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if maker is None:
        pytest.skip("no mkfs.ext4")
    subprocess.run([maker, "-q", image], check=True)
    mount("-o", "loop,errors=remount-ro", image, disk)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def break_disk(disk):
    device = subprocess.run(["findmnt", "-no", "SOURCE", disk], check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(f"/sys/fs/ext4/{os.path.basename(device.strip())}/trigger_fs_error", "w") as file:
        file.write("1")


def fill(disk):
    """Leaves no room on a disk; what takes it can be removed again."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def wait_for_epoch(run, epoch, process, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if any(line["epoch"] == epoch for line in checkpoints.metrics(run, "epoch")):
                return
        except (OSError, ValueError):
            pass  # not there yet, or the last line half-written
        time.sleep(0.005)
    program.kill(process)
    raise AssertionError(f"never came to epoch {epoch}: {program.finish(process)}")


def stopped_after_epoch(epoch, snapshot, run):
    """A run that stands still after an epoch."""
    process = program.start(*options(snapshot, run))
    wait_for_epoch(run, epoch, process)
    os.kill(process.pid, signal.SIGSTOP)
    return process


def is_whole(undisturbed, run):
    assert checkpoints.differences(undisturbed / LAST, run / LAST) == []
    assert checkpoints.differences(undisturbed / "checkpoints/best.h5", run / "checkpoints/best.h5") == []
    lines = [[(line["event"], line["step"], line.get("train_loss", line.get("loss")))
              for line in checkpoints.metrics(folder) if line["event"] in ("step", "epoch")]
             for folder in (undisturbed, run)]
    assert lines[0] == lines[1], "each line once, none left out"


def test_a_disk_that_is_full_for_a_while_costs_checkpoints_only(snapshot, undisturbed, small_disk):
    run = small_disk / "run"
    process = stopped_after_epoch(2, snapshot, run)
    filler = fill(small_disk)
    os.kill(process.pid, signal.SIGCONT)
    # What is kept of other files is told too.
    warning = next(line for line in process.stderr if "warning" in line and "checkpoint" in line)
    os.kill(process.pid, signal.SIGSTOP)
    filler.unlink()
    os.kill(process.pid, signal.SIGCONT)
    outcome = program.finish(process)
    assert outcome.code == program.DONE, str(outcome)
    assert "the disk is full" in warning and "the last good checkpoint is" in warning, warning
    is_whole(undisturbed, run)


def test_a_disk_that_stays_full_ends_the_run_with_74_and_it_can_go_on(snapshot, undisturbed, small_disk):
    run = small_disk / "run"
    process = stopped_after_epoch(2, snapshot, run)
    filler = fill(small_disk)
    os.kill(process.pid, signal.SIGCONT)
    outcome = program.finish(process)
    assert outcome.code == program.UNWRITABLE, str(outcome)
    errors = [line for line in program.complaints(outcome) if "error" in line]
    assert len(errors) == 1 and "the disk is full" in errors[0], str(outcome)
    assert "last good one is" in errors[0] and "--resume" in errors[0], str(outcome)
    assert not list(run.rglob("*partial*"))
    filler.unlink()
    program.succeed(*options(snapshot, run))
    is_whole(undisturbed, run)


@pytest.mark.parametrize("number", [None, signal.SIGTERM], ids=["to its end", "stopped"])
def test_a_disk_that_becomes_read_only(snapshot, undisturbed, breaking_disk, number):
    run = breaking_disk / "run"
    process = stopped_after_epoch(2, snapshot, run)
    break_disk(breaking_disk)
    if number:
        os.kill(process.pid, number)
    os.kill(process.pid, signal.SIGCONT)
    outcome = program.finish(process)
    assert outcome.code == program.UNWRITABLE, str(outcome)
    errors = [line for line in program.complaints(outcome) if "error" in line]
    assert len(errors) == 1 and "could not be written" in errors[0], str(outcome)
    assert "Read-only file system" in errors[0], str(outcome)
    good = {path.name for path in (run / "checkpoints").glob("*.h5")}
    assert "epoch-0001.h5" in good, str(outcome)


def test_a_run_whose_folder_goes_away_ends_with_74(snapshot, tmp_path):
    process = stopped_after_epoch(2, snapshot, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    os.kill(process.pid, signal.SIGCONT)
    outcome = program.finish(process)
    assert outcome.code == program.UNWRITABLE, str(outcome)
    assert not (tmp_path / "run").exists() and (tmp_path / "elsewhere/checkpoints/epoch-0001.h5").exists()
