"""Fewer files than ranks, a single file, ranks without any: they train, or one line says why not."""

import json
import shutil

import pytest

import checkpoints
import program

RANKS = [None, 2, 4, 8]


@pytest.fixture(scope="module")
def songs(tree, snapshot):
    """The track ids of songs that everything may be done with."""
    return [each.decode() for each in checkpoints.arrays(snapshot)["songs/track_id"]]


def part(tree, folder, tracks):
    """A tree of these songs alone, and of their Last.fm records."""
    for kind, suffix in (("msd", ".h5"), ("lastfm", ".json")):
        for track in tracks:
            place = folder / kind / track[2] / track[3] / track[4] / (track + suffix)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tree / place.relative_to(folder), place)
    return folder


def train(folder, ranks, *options):
    return program.run("train", "--msd", folder / "msd", "--lastfm", folder / "lastfm", "--out", folder / "run",
                       "--model", "small", "--epochs", 2, "--batch-size", 8, "--threads", 1, *options, ranks=ranks)


def losses(folder):
    lines = map(json.loads, (folder / "run/metrics.jsonl").read_text().splitlines())
    return [line["train_loss"] for line in lines if line["event"] == "epoch"]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("ranks", RANKS)
def test_a_tree_of_few_files_makes_the_snapshot_of_all_its_songs(tree, songs, tmp_path, ranks, count):
    folder = part(tree, tmp_path, songs[:count])
    program.succeed("prepare", "--msd", folder / "msd", "--lastfm", folder / "lastfm", "--segments", 252,
                    "--out", folder / "songs.h5", ranks=ranks)
    stored = checkpoints.arrays(folder / "songs.h5")["songs/track_id"]
    assert [each.decode() for each in stored] == songs[:count]


@pytest.mark.parametrize("ranks", RANKS)
def test_five_files_train_on_any_number_of_ranks(tree, songs, tmp_path, ranks):
    folder = part(tree, tmp_path, songs[:5])
    outcome = train(folder, ranks, "--split", "random:0.6")
    assert outcome.code == program.DONE, str(outcome)
    found = losses(folder)
    assert len(found) == 2 and all(0 < loss < 10 for loss in found)


@pytest.mark.parametrize("ranks", RANKS)
def test_one_file_trains_and_none_is_left_for_validation(tree, songs, tmp_path, ranks):
    folder = part(tree, tmp_path, songs[:1])
    outcome = train(folder, ranks)
    assert outcome.code == program.DONE and len(losses(folder)) == 2, str(outcome)
    warning, = program.complaints(outcome)
    assert "no song is left for validation" in warning, str(outcome)


@pytest.mark.parametrize("ranks", RANKS)
def test_files_of_which_none_is_good_are_refused_in_one_line(tree, songs, tmp_path, ranks):
    folder = part(tree, tmp_path, songs[:2])
    for file in (folder / "msd").rglob("*.h5"):
        file.write_bytes(file.read_bytes()[:5000])
    program.refuse(train(folder, ranks), program.BAD_DATA, "no song")
