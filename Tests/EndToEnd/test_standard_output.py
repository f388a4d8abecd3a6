"""What is told on standard output arrives, or the program does not end as if it had."""

import subprocess
from pathlib import Path

import pytest

import program
from test_old_files import CHECKPOINT, SNAPSHOT

COMMANDS = {
    "inspect": ("inspect", program.ROOT / "configs/small-252.yaml"),
    "evaluate": ("evaluate", "--checkpoint", CHECKPOINT, "--data", SNAPSHOT, "--split", "all", "--threads", 1),
    "predict": ("predict", "--checkpoint", CHECKPOINT, "--threads", 1),
}
OF_AN_OLD_CHECKPOINT = (
    "crnn-dist: warning: whether any of these songs was trained on cannot be told: an earlier version has written the "
    "checkpoint\n")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A command's line; predict has a song of its own."""
    folder = tmp_path_factory.mktemp("output")
    program.succeed("synthesize", "--out", folder, "--songs", 3, "--seed", 1)
    track = max(folder.glob("msd/*/*/*/*.h5"), key=lambda path: path.stat().st_size)
    return lambda name: program.command((*COMMANDS[name], *((track,) if name == "predict" else ())), None)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_standard_output_is_told(name, line):
    with open("/dev/full", "w") as full:
        done = subprocess.run(line(name), stdout=full, stderr=subprocess.PIPE, text=True, env=program.environment())
    assert done.returncode == program.UNWRITABLE, done.stderr
    assert "standard output cannot be written: " in done.stderr
    assert len(done.stderr.replace(OF_AN_OLD_CHECKPOINT, "").splitlines()) == 1, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_who_leaves_is_nobodys_fault(name, line):
    process = subprocess.Popen(line(name), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=program.environment())
    process.stdout.close()
    errors = process.stderr.read()
    process.wait(60)
    assert errors.replace(OF_AN_OLD_CHECKPOINT, "") == "", errors


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_told_is_told_whole(name, line, tmp_path: Path):
    with open(tmp_path / "told", "w") as told:
        done = subprocess.run(line(name), stdout=told, stderr=subprocess.PIPE, text=True, env=program.environment())
    assert done.returncode == program.DONE and (tmp_path / "told").read_text().endswith("\n"), done.stderr
