"""Splits by lists: leaks, mistakes, and what resume and evaluate hold a run to."""

import json
import shutil

import h5py
import numpy
import pytest

import program
from program import BAD_DATA, MISSING, USAGE, refuse


@pytest.fixture
def lists(snapshot, tmp_path):
    """Three lists that hold the snapshot's artists, two of them strangers, in the published form."""
    with h5py.File(snapshot, "r", locking=False) as file:
        artists = sorted({artist.decode() for artist in file["songs/artist_id"][:]})
    cut = len(artists) * 2 // 3
    (tmp_path / "train.txt").write_text("\n".join(artists[:cut]) + "\nARZZZZZ1187B99BFB1\n")
    (tmp_path / "test.txt").write_text("".join(f"{artist}<SEP>name\n" for artist in artists[cut:-1]))
    (tmp_path / "overlap.txt").write_text("\n".join(artists[cut - 1:]))
    return tmp_path


@pytest.fixture(scope="module")
def counted(tree, tmp_path_factory):
    """A snapshot whose tags were counted on the training side of an artist split."""
    return prepare_counted(tree, tmp_path_factory.mktemp("counted"), "--segments", 60)


@pytest.fixture(scope="module")
def counted_with_everything(tree, tmp_path_factory):
    """The same with all that is known of whole songs."""
    return prepare_counted(tree, tmp_path_factory.mktemp("everything"), "--segments", "all", "--features", "all",
                           "--keep-untagged", "--auxiliary", "artist-terms")


def prepare_counted(tree, folder, *options):
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--tags", "top:5", "--split",
                    "artist:0.7/0.2/0.1", *options, "--out", folder / "songs.h5")
    return folder / "songs.h5"


def rule(lists, test="test.txt", form="artist-lists"):
    return f"{form}:{lists}/train.txt,0.2,{lists}/{test}"


def train(snapshot, out, split, *options, ranks=2):
    return program.run("train", "--data", snapshot, "--out", out, "--model", "small", "--filters", "[4,4,4]",
                       "--recurrent-units", 4, "--batch-size", 8, "--threads", 1, "--split", split, *options, ranks=ranks)


def test_a_run_by_lists_resumes_and_is_evaluated_with_the_same_lists_alone(snapshot, lists):
    out = lists / "run"
    outcome = train(snapshot, out, rule(lists), "--epochs", 1)
    assert outcome.code == 0, str(outcome)
    assert "in no list" in outcome.errors and "1 of its" in outcome.errors
    assert "split_lists_hash" in (out / "config.yaml").read_text()
    newest = out / "checkpoints/epoch-0001.h5"
    evaluate = ("evaluate", "--checkpoint", newest, "--data", snapshot, "--split", "test")
    evaluated = program.succeed(*evaluate, "--split-rule", rule(lists), "--json")
    assert json.loads(evaluated.output)["songs"] > 0
    # The checkpoint is not asked for paths.
    refuse(program.run(*evaluate), USAGE, "epoch-0001.h5", "by lists", "--split-rule")

    # The lists move: the run goes on.
    moved = lists / "moved"
    moved.mkdir()
    for name in ("train.txt", "test.txt"):
        (lists / name).rename(moved / name)
    refuse(program.run(*evaluate, "--split-rule", rule(lists)), MISSING, "train.txt")
    program.succeed(*evaluate, "--split-rule", rule(moved))
    # All songs are all songs, whatever the lists said.
    every = program.succeed(*evaluate[:-1], "all", "--json", ranks=2)
    with h5py.File(snapshot, "r", locking=False) as file:
        assert json.loads(every.output)["songs"] == len(file["songs/track_id"])
    refuse(program.run(*evaluate, "--split-rule", "random:0.8/0.1/0.1"), BAD_DATA, "split", "--allow-other-data")
    assert train(snapshot, out, rule(moved), "--epochs", 2, "--resume").code == 0

    # They change: neither does.
    with open(moved / "train.txt", "a") as file:
        file.write("ARYYYYY1187B99BFB1\n")
    refuse(train(snapshot, out, rule(moved), "--epochs", 3, "--resume"), BAD_DATA, "lists", "hash")


@pytest.mark.parametrize("ranks", [None, 3])
def test_an_artist_in_two_lists_ends_the_run(snapshot, lists, ranks):
    name = (lists / "overlap.txt").read_text().splitlines()[0]
    refuse(train(snapshot, lists / "run", rule(lists, "overlap.txt"), ranks=ranks), BAD_DATA, name, "overlap.txt", "train.txt")


@pytest.mark.parametrize("ranks", [None, 2])
def test_track_lists_with_an_artist_on_two_sides_end_the_run(snapshot, lists, ranks):
    with h5py.File(snapshot, "r", locking=False) as file:
        artists, tracks = file["songs/artist_id"][:], file["songs/track_id"][:]
    shared = next(artist for artist in artists if (artists == artist).sum() > 1)
    first, second = tracks[artists == shared][:2]
    (lists / "a.txt").write_text(first.decode())
    (lists / "b.txt").write_text(second.decode())
    split = f"track-lists:{lists}/a.txt,{lists}/b.txt"
    refuse(train(snapshot, lists / "run", "artist-" + split, ranks=ranks), BAD_DATA, shared.decode(), first.decode())


@pytest.mark.parametrize("text", ["artist-lists:a", "stratified:2", "by-luck:0.5"])
def test_a_rule_that_is_none_is_refused(snapshot, tmp_path, text):
    refuse(train(snapshot, tmp_path / "run", text, ranks=None), USAGE, text, "artist-lists:TRAIN" if "luck" in text else "expected")


def test_a_stratified_split_gives_the_same_songs_on_any_number_of_ranks(snapshot, tmp_path):
    identities = set()
    for ranks in (None, 3):
        out = tmp_path / f"run-{ranks}"
        assert train(snapshot, out, "stratified-artist:0.8/0.2", "--epochs", 1, ranks=ranks).code == 0
        with h5py.File(out / "checkpoints/epoch-0001.h5", "r", locking=False) as file:
            identities.add(file["texts/split_identity"][()])
    assert len(identities) == 1


@pytest.mark.parametrize("config", sorted(path.name for path in (program.ROOT / "configs").glob("*.yaml")))
def test_the_published_configurations_train_on_a_snapshot_with_a_split_of_its_own(
        counted, counted_with_everything, tmp_path, config):
    options = ["--segments", 60, "--epochs", 1, "--threads", 1]
    data, shape = counted, ["--filters", "[2,2,2]", "--pooling", "[[2,2],[2,2],[3,3]]", "--recurrent-units", 2]
    if config.startswith("recommended"):
        data, shape = counted_with_everything, []
    line = ["train", "--data", data, *shape, "--config", program.ROOT / "configs" / config, *options]
    program.succeed(*line, "--out", tmp_path / "run")
    assert "split: artist:0.7/0.2/0.1" in (tmp_path / "run/config.yaml").read_text()
    # Said on purpose, another split is still refused.
    refuse(program.run(*line, "--out", tmp_path / "other", "--split", "random:0.95"), BAD_DATA, "--split artist:0.7/0.2/0.1")


def test_without_a_split_of_its_own_a_snapshot_is_divided_by_the_standard_rule(snapshot, tmp_path):
    program.succeed("train", "--data", snapshot, "--config", program.ROOT / "configs/small-252.yaml", "--epochs", 1,
                    "--filters", "[2,2,2]", "--recurrent-units", 2, "--threads", 1, "--out", tmp_path / "run")
    assert "split: random:0.95" in (tmp_path / "run/config.yaml").read_text()


@pytest.mark.parametrize("ranks", [None, 2], ids=["alone", "two-ranks"])
def test_songs_that_all_lie_on_other_sides_are_no_run(counted, tmp_path, ranks):
    """A rule leaves songs to train on; the sides that a snapshot keeps may not."""
    path = tmp_path / "songs.h5"
    shutil.copy(counted, path)
    with h5py.File(path, "r+", locking=False) as file:
        file["songs/side"][...] = 1
        songs = len(file["songs/side"])
    outcome = program.run("train", "--data", path, "--out", tmp_path / "run", "--filters", "[4,4,4]", "--recurrent-units", 4,
                          "--epochs", 1, "--threads", 1, ranks=ranks)
    refuse(outcome, BAD_DATA, path.name, "no song is left for training", f"{songs} for validation")


def test_songs_to_train_on_that_are_all_too_short_are_no_run(tree, tmp_path):
    """Sides are kept of songs of any length; those of enough segments may have none for training."""
    path = tmp_path / "songs.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--split",
                    "random:0.8", "--out", path)
    with h5py.File(path, "r+", locking=False) as file:
        starts = file["songs/start"][:]
        file["songs/side"][...] = numpy.where(numpy.diff(starts) >= 300, 1, 0)
    outcome = program.run("train", "--data", path, "--segments", 300, "--out", tmp_path / "run", "--filters", "[4,4,4]",
                          "--recurrent-units", 4, "--epochs", 1, "--threads", 1)
    refuse(outcome, BAD_DATA, path.name, "no song is left for training", "0 for test", "fewer --segments")
