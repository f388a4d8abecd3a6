"""A snapshot that says one thing in two places, and not the same, is refused with both."""

import json
import shutil

import h5py
import numpy
import pytest

import program
from program import BAD_DATA, refuse


@pytest.fixture(scope="module")
def whole_songs(tree, tmp_path_factory):
    """A snapshot of the other form: whole songs, cut after 300 segments, both features, a split of its own."""
    path = tmp_path_factory.mktemp("whole") / "songs.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--longest", 300,
                    "--features", "both", "--tags", "top:20", "--split", "random:0.8", "--out", path)
    with h5py.File(path, "r", locking=False) as file:
        lengths = numpy.diff(file["songs/start"][:])
        assert lengths.max() == 300 > lengths.min() and file["songs/segment_count"][:].max() > 300
    return path


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def inspected(good, folder, change):
    """What inspect says of a copy to which a change was made."""
    path = folder / "changed.h5"
    shutil.copy(good, path)
    with h5py.File(path, "r+", locking=False) as file:
        change(file)
    return program.run("inspect", path)


def in_json(attribute, change):
    def make(file):
        value = json.loads(text(file.attrs[attribute]))
        change(value)
        file.attrs[attribute] = json.dumps(value)
    return make


def set_element(name, place, value):
    def make(file):
        file[name][place] = value
    return make


def test_what_agrees_is_opened(snapshot, whole_songs, tmp_path):
    for good in (snapshot, whole_songs):
        assert inspected(good, tmp_path, lambda file: None).code == program.DONE


@pytest.mark.parametrize("count", [251, 0, -1, -2**31, 2**31 - 1])
def test_a_song_of_fewer_segments_than_are_kept(snapshot, tmp_path, count):
    outcome = inspected(snapshot, tmp_path, set_element("songs/segment_count", 3, count))
    refuse(outcome, BAD_DATA, "/songs/segment_count of song 3", f"is {count}", "252" if 0 < count < 300 else "expected 1 to")


def test_a_whole_song_of_another_length_than_it_has(whole_songs, tmp_path):
    with h5py.File(whole_songs, "r", locking=False) as file:
        counts = file["songs/segment_count"][:]
    short, long = int(counts.argmin()), int(counts.argmax())
    for song, count in ((short, counts[short] + 1), (short, 301), (long, 299)):
        outcome = inspected(whole_songs, tmp_path, set_element("songs/segment_count", song, count))
        refuse(outcome, BAD_DATA, f"/songs/segment_count of song {song} ", f"is {count}", f"{min(counts[song], 300)} of its")


def test_a_column_of_other_songs(snapshot, tmp_path):
    def shorten(file):
        counts = file["songs/segment_count"][:-1]
        del file["songs/segment_count"]
        file["songs/segment_count"] = counts
    refuse(inspected(snapshot, tmp_path, shorten), BAD_DATA, "/songs/segment_count has the shape")


@pytest.mark.parametrize("field", ["bad_files", "duplicates", "without_record", "bad_records", "mismatched", "too_short",
                                   "untagged"])
def test_losses_that_do_not_make_up_the_funnel(snapshot, tmp_path, field):
    def change(counts):
        counts[field] += 7
    refuse(inspected(snapshot, tmp_path, in_json("counts", change)), BAD_DATA, "attribute counts", field)


def test_a_funnel_that_ends_with_other_songs(snapshot, tmp_path):
    def change(counts):
        counts["funnel"]["tagged"] -= 1
        counts["untagged"] += 1
        change.found = counts["funnel"]["tagged"]
    outcome = inspected(snapshot, tmp_path, in_json("counts", change))
    refuse(outcome, BAD_DATA, f"tagged in its attribute counts is {change.found}", f"attribute songs is {change.found + 1}")


@pytest.mark.parametrize("column", ["read", "joined", "tagged"])
def test_a_distribution_of_other_songs(snapshot, whole_songs, tmp_path, column):
    for good in (snapshot, whole_songs):
        def change(file):
            lengths = file["distribution/segments"][:]
            row = int(numpy.flatnonzero((lengths > 300) & (file["distribution/tagged"][:] > 0))[0])
            for name in ("read", "joined", "tagged")[: ("read", "joined", "tagged").index(column) + 1]:
                file[f"distribution/{name}"][row] += 1
                if name != column:
                    # The sums of the columns before it stay as they were.
                    other = int(numpy.flatnonzero(file[f"distribution/{name}"][:] > file[f"distribution/{column}"][:])[0])
                    file[f"distribution/{name}"][other] -= 1
        refuse(inspected(good, tmp_path, change), BAD_DATA, "/distribution/")


@pytest.mark.parametrize("option, value", [("segments", 300), ("features", "timbre"), ("tags", "top:3")])
def test_options_that_are_not_those_it_was_made_by(snapshot, tmp_path, option, value):
    outcome = inspected(snapshot, tmp_path, in_json("options", lambda options: options.__setitem__(option, value)))
    refuse(outcome, BAD_DATA, option, "attribute options", value)


def test_the_papers_tags_that_are_others(whole_songs, tmp_path):
    outcome = inspected(whole_songs, tmp_path, in_json("options", lambda options: options.__setitem__("tags", "paper")))
    refuse(outcome, BAD_DATA, "tags", "paper", "20 other tags")


def test_values_of_another_type_than_their_encoding(snapshot, tmp_path):
    def change(file):
        file.attrs["pitches_encoding"] = "float32"
    refuse(inspected(snapshot, tmp_path, change), BAD_DATA, "pitches", "16-bit unsigned integer", "float32")


def test_sides_of_songs_without_a_split_and_the_other_way_round(snapshot, whole_songs, tmp_path):
    def add(file):
        file["songs/side"] = numpy.zeros(len(file["songs/track_id"]), "u1")

    def forget(options):
        del options["split"]
    refuse(inspected(snapshot, tmp_path, add), BAD_DATA, "/songs/side", "split")
    refuse(inspected(whole_songs, tmp_path, in_json("options", forget)), BAD_DATA, "/songs/side", "split")
