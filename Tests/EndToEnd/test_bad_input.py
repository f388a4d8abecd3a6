"""Whatever is wrong is told in one clear line with the right exit code, alone and on two ranks."""

import os
import shutil
import subprocess

import pytest

import program
from program import BAD_DATA, MISSING, UNWRITABLE, USAGE, complaints, refuse

pytestmark = pytest.mark.parametrize("ranks", [None, 2], ids=["alone", "two-ranks"])


def prepare(msd, lastfm, out, ranks):
    return program.run("prepare", "--msd", msd, "--lastfm", lastfm, "--segments", 252, "--out", out, ranks=ranks, timeout=60)


def train(data, out, *options, ranks, **other):
    return program.run("train", "--data", data, "--out", out, "--model", "small", "--epochs", 1, "--threads", 1, *options,
               ranks=ranks, timeout=60, **other)


def test_no_such_tree(tree, tmp_path, ranks):
    refuse(prepare(tmp_path / "nowhere", tree / "lastfm", tmp_path / "songs.h5", ranks), MISSING, "nowhere")
    assert not (tmp_path / "songs.h5").exists()


def test_no_such_tag_source(tree, tmp_path, ranks):
    refuse(prepare(tree / "msd", tmp_path / "nowhere", tmp_path / "songs.h5", ranks), MISSING, "nowhere")


def test_an_empty_tree(tree, tmp_path, ranks):
    (tmp_path / "empty").mkdir()
    refuse(prepare(tmp_path / "empty", tree / "lastfm", tmp_path / "songs.h5", ranks), BAD_DATA, "empty")
    assert not (tmp_path / "songs.h5").exists()


def test_a_tree_of_nothing_but_text_files_named_h5(tree, tmp_path, ranks):
    file = tmp_path / "msd/A/A/A/TRAAAAA000000000AA.h5"
    file.parent.mkdir(parents=True)
    file.write_text("this is not HDF5\n")
    refuse(prepare(tmp_path / "msd", tree / "lastfm", tmp_path / "songs.h5", ranks), BAD_DATA)


def test_a_last_fm_file_that_is_not_json(tree, tmp_path, ranks):
    shutil.copytree(tree / "lastfm", tmp_path / "lastfm")
    files = sorted((tmp_path / "lastfm").rglob("*.json"))
    for file in files:
        file.write_text("{ this is not JSON")
    refuse(prepare(tree / "msd", tmp_path / "lastfm", tmp_path / "songs.h5", ranks), BAD_DATA)


def test_a_text_file_named_h5_as_snapshot(tmp_path, ranks):
    (tmp_path / "songs.h5").write_text("this is not HDF5\n")
    refuse(train(tmp_path / "songs.h5", tmp_path / "run", ranks=ranks), BAD_DATA, "songs.h5")


def test_a_snapshot_cut_in_half(snapshot, tmp_path, ranks):
    (tmp_path / "songs.h5").write_bytes(snapshot.read_bytes()[: snapshot.stat().st_size // 2])
    refuse(train(tmp_path / "songs.h5", tmp_path / "run", ranks=ranks), BAD_DATA, "songs.h5")


def test_a_track_file_in_place_of_a_snapshot(tree, tmp_path, ranks):
    file = next((tree / "msd").rglob("*.h5"))
    refuse(train(file, tmp_path / "run", ranks=ranks), BAD_DATA, file.name)


def test_no_such_snapshot(tmp_path, ranks):
    refuse(train(tmp_path / "nowhere.h5", tmp_path / "run", ranks=ranks), MISSING, "nowhere.h5")


def test_a_snapshot_of_another_length(snapshot, tmp_path, ranks):
    outcome = train(snapshot, tmp_path / "run", "--segments", 512, ranks=ranks)
    refuse(outcome, outcome.code, "252", "512")
    assert outcome.code in (USAGE, BAD_DATA), str(outcome)


def test_a_track_file_cut_in_half_for_predict(tree, checkpoint, tmp_path, ranks):
    whole = max((tree / "msd").rglob("*.h5"), key=lambda file: file.stat().st_size)
    (tmp_path / whole.name).write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    outcome = program.run("predict", "--checkpoint", checkpoint, tmp_path / whole.name, ranks=ranks, timeout=60)
    refuse(outcome, BAD_DATA, whole.name)


def test_no_such_checkpoint(snapshot, tmp_path, ranks):
    outcome = program.run("evaluate", "--checkpoint", tmp_path / "nowhere.h5", "--data", snapshot, ranks=ranks)
    refuse(outcome, MISSING, "nowhere.h5")


def test_a_snapshot_in_place_of_a_checkpoint(snapshot, ranks):
    outcome = program.run("evaluate", "--checkpoint", snapshot, "--data", snapshot, ranks=ranks)
    refuse(outcome, BAD_DATA, snapshot.name)


def test_a_checkpoint_of_another_model_on_resume(snapshot, run, tmp_path, ranks):
    shutil.copytree(run, tmp_path / "run")
    outcome = program.run("train", "--data", snapshot, "--out", tmp_path / "run", "--model", "large", "--resume",
                          "--epochs", 3, "--batch-size", 12, "--split", "random:0.8", ranks=ranks, timeout=60)
    refuse(outcome, outcome.code)
    assert outcome.code in (USAGE, BAD_DATA), str(outcome)


def test_a_batch_smaller_than_the_world(snapshot, tmp_path, ranks):
    size = 0 if ranks is None else ranks - 1
    refuse(train(snapshot, tmp_path / "run", "--batch-size", size, ranks=ranks), USAGE, "batch")


def test_an_unknown_key_names_the_nearest_known_one(snapshot, tmp_path, ranks):
    (tmp_path / "config.yaml").write_text("model: small\nlerning_rate: 0.001\n")
    outcome = train(snapshot, tmp_path / "run", "--config", tmp_path / "config.yaml", ranks=ranks)
    refuse(outcome, USAGE, "config.yaml", "lerning_rate", "learning_rate")


def test_a_configuration_that_is_not_yaml(snapshot, tmp_path, ranks):
    (tmp_path / "config.yaml").write_text("model: [small\n")
    refuse(train(snapshot, tmp_path / "run", "--config", tmp_path / "config.yaml", ranks=ranks), USAGE, "config.yaml")


@pytest.mark.parametrize("option, value", [
    ("--learning-rate", "fast"), ("--learning-rate", "-1"), ("--split", "random:1.5"), ("--model", "huge"),
    ("--batch-norm", "global"), ("--epochs", "-3"), ("--tags", "top:0")])
def test_a_value_that_makes_no_sense(snapshot, tmp_path, option, value, ranks):
    outcome = train(snapshot, tmp_path / "run", f"{option}={value}", ranks=ranks)
    refuse(outcome, USAGE)
    assert not (tmp_path / "run/checkpoints").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB that fills up at once."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "crnn-dist-test", disk], stderr=subprocess.PIPE, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_while_preparing(tree, small_disk, ranks):
    outcome = prepare(tree / "msd", tree / "lastfm", small_disk / "songs.h5", ranks)
    refuse(outcome, outcome.code, "songs.h5")
    assert outcome.code == UNWRITABLE, str(outcome)
    assert not (small_disk / "songs.h5").exists(), "no half-written snapshot stays"


def test_a_full_disk_while_training(snapshot, small_disk, ranks):
    outcome = train(snapshot, small_disk / "run", ranks=ranks)
    assert outcome.code == UNWRITABLE, str(outcome)
    error, = (line for line in complaints(outcome) if "error" in line)
    assert "last checkpoint could not be written" in error and "space" in error, str(outcome)
    assert not list((small_disk / "run/checkpoints").glob("epoch-*.h5")), "no half-written checkpoint stays"
