"""A path on the command line that is not UTF-8: one clear line, and no other file is read or made in its place."""

import os
import shutil

import pytest

import program

BAD = b"songs-\xff\xfe.h5"


@pytest.fixture
def folder(tmp_path):
    """A folder to write in, as bytes."""
    return os.fsencode(tmp_path)


def check(arguments, option, ranks=None):
    process = program.start(*map(os.fsdecode, arguments), ranks=ranks)
    # So that the outcome can be shown.
    process.args = [repr(argument) for argument in process.args]
    program.refuse(program.finish(process), program.USAGE, option, r"\xff\xfe", "UTF-8")


def commands(snapshot, checkpoint, folder):
    """Each with a path of such bytes, behind the option that the message is to name."""
    bad, good = folder + b"/" + BAD, [os.fsencode(path) for path in (snapshot, checkpoint)]
    small = [b"--filters", b"[4,4,4]", b"--recurrent-units", b"3", b"--epochs", b"1"]
    return [
        ([b"train", b"--data", bad, b"--out", folder + b"/run", *small], "--data"),
        ([b"train", b"--data", good[0], b"--out", bad, *small], "--out"),
        ([b"prepare", b"--msd", bad, b"--lastfm", folder, b"--segments", b"60", b"--out", folder + b"/songs.h5"], "--msd"),
        ([b"inspect", bad], "command line"),
        ([b"predict", b"--checkpoint", good[1], bad], "command line"),
        ([b"evaluate", b"--checkpoint=" + bad, b"--data", good[0]], "--checkpoint"),
    ]


def test_no_command_takes_another_path_for_it(snapshot, checkpoint, tmp_path, folder):
    shutil.copy(snapshot, folder + b"/" + BAD)
    # What Swift makes of those bytes.
    shutil.copy(snapshot, tmp_path / "songs-\ufffd\ufffd.h5")
    before = sorted(os.listdir(folder))
    for arguments, option in commands(snapshot, checkpoint, folder):
        check(arguments, option)
    assert sorted(os.listdir(folder)) == before


def test_ranks_say_it_once(snapshot, checkpoint, folder):
    arguments, option = commands(snapshot, checkpoint, folder)[1]
    check(arguments, option, ranks=2)
    assert os.listdir(folder) == []


def test_other_letters_than_those_of_ascii_are_text(snapshot, tmp_path):
    path = tmp_path / "Gesänge №1.h5"
    shutil.copy(snapshot, path)
    program.succeed("inspect", path)
