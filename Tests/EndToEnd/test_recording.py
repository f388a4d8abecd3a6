"""Tests/Recording/record finds every difference between two recordings, and passes over what may differ."""

import shutil
import subprocess
import sys

import h5py
import numpy
import pytest

import program
import test_old_files

RECORD = program.ROOT / "Tests/Recording/record"


def first_weight(file):
    names = []
    file["weights"].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return file["weights"][names[0]]


def flip_a_bit(file):
    bits = first_weight(file)[()]
    bits.view("u4").flat[0] ^= 1
    first_weight(file)[...] = bits


def rewrite(file, name, change):
    text = change(file[name][()])
    del file[name]
    file[name] = numpy.bytes_(text)


def new_version(file):
    rewrite(file, "texts/program_version", lambda text: b"9.9.9")
    file.attrs["checksum"] = "0" * 16


CHANGES = {
    "nothing": (lambda file: None, 0, "0 differences"),
    "another version of the program": (new_version, 0, "0 differences"),
    "a bit of a weight": (flip_a_bit, 1, "in 1 of"),
    "a weight of another type": (lambda file: rewrite(file, "integers/step", lambda _: b"8"), 1, "integers/step differs"),
    "a missing number": (lambda file: file.__delitem__("numbers/loss_sum"), 1, "numbers/loss_sum is missing"),
    "a new number": (lambda file: file.create_dataset("numbers/more", data=1.0), 1, "numbers/more is new, and not listed"),
    "another option": (lambda file: rewrite(file, "texts/configuration", lambda text: text.replace(b"seed: 4", b"seed: 5")),
                       1, "seed was '4', is '5'"),
    "a new option": (lambda file: rewrite(file, "texts/configuration", lambda text: text + b"more: 1\n"), 1,
                     "texts/configuration:more is new"),
    "another checksum": (lambda file: file.attrs.__setitem__("checksum", "0" * 16), 1, "@checksum differs"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_comparison_finds(tmp_path, change):
    alter, code, words = CHANGES[change]
    for name in ("old", "new"):
        folder = tmp_path / name / "runs/one/checkpoints"
        folder.mkdir(parents=True)
        shutil.copy(test_old_files.CHECKPOINT, folder)
    with h5py.File(tmp_path / "new/runs/one/checkpoints" / test_old_files.CHECKPOINT.name, "r+") as file:
        alter(file)
    done = subprocess.run([sys.executable, RECORD, "compare", tmp_path / "old", tmp_path / "new"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == code and words in done.stdout, done.stdout
