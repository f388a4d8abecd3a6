"""A signal while files are still read ends the job at once: one line, nothing left behind, code 75."""

import os
import shutil
import signal
import time
import uuid

import pytest

import hostile_files
import program
import reading_processes

SOON = 20


@pytest.fixture(scope="module")
def endless_tree(tree, tmp_path_factory):
    """Track files over which every rank reads for half a minute."""
    folder = tmp_path_factory.mktemp("endless")
    shutil.copytree(tree / "msd", folder / "msd")
    for file in sorted((folder / "msd").rglob("*.h5"))[::9]:
        hostile_files.endless(file)
    return folder / "msd"


def line(deed, endless_tree, tree, folder):
    songs = ["--msd", endless_tree, "--lastfm", tree / "lastfm", "--segments", 60]
    return {"prepare": ["prepare", *songs, "--out", folder / "songs.h5"],
            "train": ["train", *songs, "--out", folder / "run", "--threads", 1]}[deed]


def stop_while_reading(deed, endless_tree, tree, folder, number, ranks, target):
    mark = uuid.uuid4().hex
    process = program.start(*line(deed, endless_tree, tree, folder), ranks=ranks, **{reading_processes.MARK: mark})
    reading_processes.wait_until_reading(mark, ranks or 1)
    processes = reading_processes.ranks(mark)
    os.kill({"launcher": process.pid, "first": processes[0], "last": processes[-1]}[target], number)
    stopped = time.monotonic()
    outcome = program.finish(process, timeout=60)
    assert time.monotonic() - stopped < SOON, str(outcome)
    reading_processes.wait_until_gone(mark, processes)
    return outcome


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


SIGNALS = [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]


@pytest.mark.parametrize("deed", ["prepare", "train"])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_program_alone(endless_tree, tree, tmp_path, deed, number):
    outcome = stop_while_reading(deed, endless_tree, tree, tmp_path, number, None, "launcher")
    program.refuse(outcome, program.STOPPED, "stopped by a signal", "nothing to save")
    assert left(tmp_path) == [], str(outcome)


@pytest.mark.parametrize("deed, number, target", [
    ("prepare", signal.SIGUSR1, "launcher"), ("prepare", signal.SIGTERM, "first"), ("train", signal.SIGHUP, "last"),
    ("train", signal.SIGQUIT, "last")], ids=str)
def test_three_ranks(endless_tree, tree, tmp_path, deed, number, target):
    outcome = stop_while_reading(deed, endless_tree, tree, tmp_path, number, 3, target)
    program.refuse(outcome, program.STOPPED, "stopped by a signal", "nothing to save")
    assert left(tmp_path) == [], str(outcome)


@pytest.mark.parametrize("deed, number", [
    ("prepare", signal.SIGTERM), ("train", signal.SIGINT), ("train", signal.SIGHUP)], ids=str)
def test_three_ranks_whose_launcher_ends_them(endless_tree, tree, tmp_path, deed, number):
    """mpirun ends its job at once on these, with a code of its own (1)."""
    outcome = stop_while_reading(deed, endless_tree, tree, tmp_path, number, 3, "launcher")
    assert outcome.code != program.DONE
    program.refuse(outcome, outcome.code, "stopped by a signal", "nothing to save")
    assert left(tmp_path) == [], str(outcome)


def test_a_launcher_that_quits_takes_its_ranks_along(endless_tree, tree, tmp_path):
    """SIGQUIT ends mpirun the system's way; its ranks see that it is gone, and end without a word. The next start tidies
    up."""
    outcome = stop_while_reading("train", endless_tree, tree, tmp_path, signal.SIGQUIT, 3, "launcher")
    assert outcome.code == -signal.SIGQUIT
    assert any(".partial" in name for name in left(tmp_path)), "else nothing is tested"
    outcome = stop_while_reading("train", endless_tree, tree, tmp_path, signal.SIGTERM, None, "launcher")
    assert outcome.code == program.STOPPED and left(tmp_path) == [], str(outcome)
