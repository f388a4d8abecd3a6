"""A damaged snapshot or checkpoint is refused in one line: never a crash, a hang or a stack trace."""

import re
import shutil

import h5py
import pytest

import program
import stored_mutants

MUTANTS = 36


@pytest.fixture(scope="module")
def whole_songs(tree, tmp_path_factory):
    """A snapshot of the other form: whole songs, both features, a split of its own."""
    file = tmp_path_factory.mktemp("whole") / "songs.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--features", "both",
                    "--tags", "top:20", "--split", "random:0.8", "--out", file)
    return file


def test_mutants_of_snapshots_are_used_or_refused(snapshot, whole_songs, tmp_path):
    refused = 0
    for number in range(MUTANTS):
        path = tmp_path / f"songs-{number}.h5"
        stored_mutants.mutant(whole_songs if number % 2 else snapshot, path, f"snapshot {number}")
        refused += stored_mutants.check(path, stored_mutants.train(path, tmp_path / "run") if number % 4 < 2 else ["inspect", path])
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert MUTANTS / 3 < refused < MUTANTS


def test_mutants_of_checkpoints_are_used_or_refused(snapshot, checkpoint, tree, tmp_path):
    track = next((tree / "msd").rglob("*.h5"))
    refused = 0
    for number in range(MUTANTS):
        path = tmp_path / f"epoch-{number}.h5"
        stored_mutants.mutant(checkpoint, path, f"checkpoint {number}")
        refused += stored_mutants.check(path, [
            ["inspect", path], ["evaluate", "--checkpoint", path, "--data", snapshot, "--threads", 1],
            ["predict", "--checkpoint", path, track, "--threads", 1]][number % 3])
    assert MUTANTS / 3 < refused < MUTANTS


@pytest.mark.parametrize("ranks", [None, 2], ids=["alone", "two-ranks"])
def test_a_snapshot_over_which_hdf5_crashes(snapshot, whole_songs, tmp_path, ranks):
    for good in (snapshot, whole_songs):
        path = tmp_path / good.name
        shutil.copy(good, path)
        stored_mutants.crashing(path)
        assert stored_mutants.check(path, stored_mutants.train(path, tmp_path / "run"), ranks=ranks)
        assert stored_mutants.check(path, ["inspect", path], ranks=ranks)


def test_a_checkpoint_over_which_hdf5_crashes(checkpoint, snapshot, tree, tmp_path):
    path = tmp_path / "epoch-0002.h5"
    shutil.copy(checkpoint, path)
    stored_mutants.crashing(path)
    track = next((tree / "msd").rglob("*.h5"))
    assert stored_mutants.check(path, ["inspect", path])
    assert stored_mutants.check(path, ["evaluate", "--checkpoint", path, "--data", snapshot], ranks=2)
    assert stored_mutants.check(path, ["predict", "--checkpoint", path, track])


def test_a_file_over_which_hdf5_loops(checkpoint, tmp_path):
    path = tmp_path / "epoch-0002.h5"
    shutil.copy(checkpoint, path)
    stored_mutants.endless(path)
    outcome = program.run("inspect", path, timeout=200)
    assert outcome.code == program.BAD_DATA and len(program.complaints(outcome)) == 1, str(outcome)
    assert path.name in outcome.errors


def test_a_run_goes_on_from_the_checkpoint_before_one_over_which_hdf5_crashes(run, snapshot, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run/checkpoints/best.h5").unlink()
    newest = tmp_path / "run/checkpoints/epoch-0002.h5"
    stored_mutants.crashing(newest)
    outcome = program.succeed(
        "train", "--data", snapshot, "--out", tmp_path / "run", "--model", "small", "--epochs", 2, "--batch-size", 12,
        "--seed", 3, "--split", "random:0.8", "--threads", 1, "--resume", ranks=2)
    passed_over = [line for line in outcome.errors.splitlines() if "passes over a broken checkpoint" in line]
    assert len(passed_over) == 1 and newest.name in passed_over[0], str(outcome)
    assert "epoch 2/2" in outcome.output + outcome.errors and "epoch 1/2" not in outcome.output + outcome.errors


def test_values_that_turn_out_to_be_damaged_in_training_end_all_ranks(snapshot, tmp_path):
    path = tmp_path / "songs.h5"
    shutil.copy(snapshot, path)
    with h5py.File(path, "r+", locking=False) as file:
        pitches = file["songs/pitches"].id
        pitches.write_direct_chunk(pitches.get_chunk_info(pitches.get_num_chunks() // 2).chunk_offset, b"\x78\x01 no")
    assert stored_mutants.check(path, stored_mutants.train(path, tmp_path / "run"), ranks=2)


@pytest.mark.parametrize("column, value", [
    ("tagged", -1), ("read", -(2**31)), ("segments", -5), ("segments", 2**31 - 1), ("joined", 2**31 - 1)])
def test_a_distribution_that_no_songs_can_have(snapshot, tmp_path, column, value):
    path = tmp_path / "songs.h5"
    shutil.copy(snapshot, path)
    with h5py.File(path, "r+", locking=False) as file:
        file[f"distribution/{column}"][0] = value
    assert stored_mutants.check(path, ["inspect", path])


@pytest.mark.parametrize("change", [
    '"files":4611686018427387904', '"files":-1', '"files":0', '"files":1e999', '"files":"many"'])
def test_counts_that_are_not_possible(snapshot, tmp_path, change):
    path = tmp_path / "songs.h5"
    shutil.copy(snapshot, path)
    with h5py.File(path, "r+", locking=False) as file:
        counts = file.attrs["counts"]
        text = counts.decode() if isinstance(counts, bytes) else str(counts)
        file.attrs["counts"] = re.sub(r'"files":\d+', change, text)
        assert file.attrs["counts"] != text
    assert stored_mutants.check(path, ["inspect", path])
