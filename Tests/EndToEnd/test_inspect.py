"""What inspect tells of track files and Last.fm's tags, against independent countings and against prepare."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter

import h5py
import numpy
import pytest

import lastfm_database
import program

LENGTHS = [252, 512, 1024]
STEPS = ["files", "read", "joined", "long_enough", "tagged"]


def inspected(path, *options, ranks=None):
    return json.loads(program.succeed("inspect", path, "--json", *options, ranks=ranks).output)


def lengths_by_h5py(files):
    """How many songs have how many segments, in files of one song and of many."""
    lengths = Counter()
    for path in files:
        with h5py.File(path, "r", locking=False) as file:
            songs, segments = file["analysis/songs"], len(file["analysis/segments_pitches"])
            starts = [0] if len(songs) == 1 else [int(start) for start in songs["idx_segments_pitches"]]
            lengths.update(numpy.diff([*starts, segments]).tolist())
    return lengths


def independent_funnels(*arguments):
    """What scripts/check-funnel counts by itself for each length."""
    done = subprocess.run([sys.executable, program.ROOT / "scripts/check-funnel", "--json", *map(str, arguments)],
                          check=True, text=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return {row["segments"]: [row[step] for step in STEPS] for row in (found if isinstance(found, list) else [found])}


@pytest.fixture(scope="module")
def worn(tree, tmp_path_factory):
    """The synthetic tree with what wears a tree: cut and foreign files, values out of range, a song twice."""
    msd = tmp_path_factory.mktemp("worn") / "msd"
    shutil.copytree(tree / "msd", msd)
    files = sorted(msd.rglob("*.h5"))
    files[3].write_bytes(files[3].read_bytes()[:5000])
    files[7].write_text("no HDF5 at all\n")
    shutil.copy(files[10], files[10].with_name("TRZZZZZ0000000000AA.h5"))
    early, late = [file for file in files[20:] if max(lengths_by_h5py([file])) > 650][:2]
    for path, segment in ((early, 100), (late, 600)):
        with h5py.File(path, "r+") as file:
            file["analysis/segments_pitches"][segment, 3] = 1.5
    return msd


# Track files

@pytest.mark.parametrize("ranks", [None, 3])
def test_a_tree_is_told_as_prepare_tells_it(tree, worn, tmp_path, ranks):
    for length in (252, 700):
        options = ["--lastfm", tree / "lastfm", "--segments", length, "--min-tag-weight", 30]
        snapshot = tmp_path / f"{length}.h5"
        program.succeed("prepare", "--msd", worn, *options, "--out", snapshot, ranks=ranks)
        kept = inspected(snapshot)
        told = inspected(worn, *options, "--lists", tmp_path / "told", ranks=ranks)
        assert told["funnels"] == [{"segments": length, **kept["funnel"]}]
        assert told["distribution"] == kept["distribution"] and told["tags"] == kept["tags"]
        counts = {name: number for name, number in kept["counts"].items() if name in told["counts"]}
        assert {name: told["counts"][name] for name in counts} == counts
        # The value out of range in segment 600 is seen by those alone who read so far.
        assert told["counts"]["bad_files"] == (3 if length == 252 else 4)
        assert told["counts"]["duplicates"] == 1 and len(told["skipped"]) == told["counts"]["bad_files"] + 1
        assert (tmp_path / "told.skipped.tsv").read_bytes() == (tmp_path / f"{length}.h5.skipped.tsv").read_bytes()


def test_lengths_vocabulary_and_screen_are_those_of_prepare_too(tree, worn, tmp_path):
    """One reading for several lengths; a counted vocabulary; the same paragraphs as prepare prints."""
    options = ["--lastfm", tree / "lastfm"]
    several = inspected(worn, *options, "--segments", "60,252,all")
    assert [row["segments"] for row in several["funnels"]] == [60, 252, "all"]
    counted = ["--tags", "top:7", "--split", "artist:0.7/0.3", "--seed", 4, "--segments", 60]
    made = program.succeed("prepare", "--msd", worn, *options, *counted, "--out", tmp_path / "songs.h5")
    assert inspected(worn, *options, *counted, ranks=2)["tags"] == inspected(tmp_path / "songs.h5")["tags"]
    told = program.succeed("inspect", worn, *options, *counted)
    funnel_and_below = made.output[made.output.index("step "):made.output.index("wrote ")].strip()
    for paragraph in funnel_and_below.split("\n\n")[:-1]:
        assert paragraph in told.output, told
    for cause in ("could not be read", "no HDF5", "same track id", "songs have the track id of another one"):
        assert cause in told.output.replace("not an HDF5", "no HDF5"), told


def test_without_tags_only_reading_is_told(worn):
    told = inspected(worn)
    assert told["kind"] == "track_tree" and "funnels" not in told and "mismatches" not in told
    assert set(told["counts"]) == {"files", "read", "bad_files", "duplicates", "misnamed"}
    assert all(set(row) == {"segments", "read"} for row in told["distribution"]["songs_by_segments"])
    words = program.succeed("inspect", worn).output
    assert "segments        read\n" in words and "joined" not in words and "with a tag" not in words


def test_quick_reads_no_file(worn, tree):
    for path, kind in ((worn, "track_tree"), (tree / "lastfm", "lastfm_tree"), (tree, "tree")):
        told = inspected(path, "--quick", ranks=2)
        assert set(told) == {"kind", "tracks", "records", "example"} and told["kind"] == kind


@pytest.mark.parametrize("ranks", [None, 3])
def test_real_songs_agree_with_an_independent_counting(real_data, ranks):
    files = sorted((real_data / "msd").rglob("*.h5"))
    aggregate = real_data / "aggregate/msd_aggregate.h5"
    for source, paths, songs in ((real_data / "msd", files, 574), (aggregate, [aggregate], 298)):
        told = inspected(source, "--lastfm", real_data / "lastfm", "--thresholds", "252,512,1024", ranks=ranks)
        assert told["songs"] == songs and not told["skipped"]
        expected = independent_funnels("--msd", source, "--lastfm", real_data / "lastfm", "--segments", *LENGTHS)
        assert {row["segments"]: [row[step] for step in STEPS] for row in told["funnels"]} == expected
        lengths = lengths_by_h5py(paths)
        assert {row["segments"]: row["read"] for row in told["distribution"]["songs_by_segments"]} == lengths
        assert told["distribution"]["thresholds"] == [
            {"segments": length, "read": sum(songs for segments, songs in lengths.items() if segments >= length),
             "joined": expected[length][3], "tagged": expected[length][4]} for length in LENGTHS]


def test_one_file_a_list_and_both_kinds_of_trees_are_read(real_data, tree, tmp_path):
    files = sorted((real_data / "msd").rglob("*.h5"))[:20]
    listed = tmp_path / "songs.txt"
    listed.write_text("\n".join(os.path.relpath(file, tmp_path) for file in files) + "\nnot-there.h5\n")
    told = inspected(listed, "--tag-source", "artist-terms", ranks=2)
    assert (told["tracks"], told["missing"], told["songs"], told["counts"]["bad_files"]) == (21, 1, 20, 1)
    assert told["skipped"][0]["path"].endswith("not-there.h5")
    assert inspected(files[0], "--tag-source", "artist-terms")["funnels"][0]["read"] == 1
    # Beside the records there is what synthesize says of them.
    both = inspected(tree)
    assert both["kind"] == "tree" and both["songs"] == both["tracks"] and both["records_read"] + both["bad_records"] == both["records"]


# Last.fm's tags

def tags_by_json(folder, weight):
    """Records, records with tags, and records by tag."""
    records, tags = [], Counter()
    for path in folder.rglob("*.json"):
        record = json.loads(path.read_bytes())
        records.append({tag for tag, given in record["tags"] if float(given) >= weight})
        tags.update(records[-1])
    return len(records), sum(bool(record) for record in records), tags


@pytest.mark.parametrize("weight", [0, 50])
@pytest.mark.parametrize("ranks", [None, 3])
def test_real_tags_agree_with_an_independent_counting(real_data, tmp_path, ranks, weight):
    records, with_tags, tags = tags_by_json(real_data / "lastfm", weight)
    database = tmp_path / "lastfm_tags.db"
    lastfm_database.make(real_data / "lastfm", database)
    assert records == 9361
    for source in (real_data / "lastfm", database):
        told = inspected(source, "--top", 40, "--min-tag-weight", weight, ranks=ranks)
        assert [told[name] for name in ("records_read", "with_tags", "without_tags", "bad_records", "distinct_tags",
                                        "tags_of_records")] \
            == [records, with_tags, records - with_tags, 0, len(tags), sum(tags.values())]
        most = sorted(tags.items(), key=lambda entry: (-entry[1], entry[0].encode()))[:40]
        assert [(row["tag"], row["records"]) for row in told["top_tags"]] == most


def test_bad_records_are_counted_and_listed(tree, tmp_path):
    folder = tmp_path / "lastfm"
    shutil.copytree(tree / "lastfm", folder)
    first, second, third = sorted(folder.rglob("*.json"))[:3]
    first.write_text("{")
    second.write_text('{"track_id": 5}')
    third.rename(third.with_name("TRZZZZZ0000000000AA.json"))
    told = inspected(folder, ranks=3)
    assert (told["bad_records"], told["records_read"], told["misnamed_records"]) \
        == (2, told["records"] - 2, 1)
    assert [row["path"] for row in told["skipped_records"]] == [str(first), str(second)]
    assert "is not JSON" in program.succeed("inspect", folder).output


# What cannot be

@pytest.mark.parametrize("ranks", [None, 2])
def test_what_cannot_be_inspected_ends_with_the_codes_of_the_interface(tree, snapshot, tmp_path, ranks):
    msd, lastfm = tree / "msd", tree / "lastfm"

    def refuse(code, *words, arguments):
        program.refuse(program.run("inspect", *arguments, ranks=ranks), code, *words)

    refuse(program.MISSING, "nowhere", arguments=[tmp_path / "nowhere"])
    refuse(program.MISSING, "no-tags", arguments=[msd, "--lastfm", tmp_path / "no-tags"])
    refuse(program.USAGE, "--lastfm", arguments=[msd, "--join", "paper"])
    refuse(program.USAGE, "--lastfm", "snapshot", arguments=[snapshot, "--lastfm", lastfm])
    refuse(program.USAGE, "top:5", "--segments 252",
           arguments=[msd, "--lastfm", lastfm, "--tags", "top:5", "--segments", "252,512"])
    refuse(program.BAD_DATA, "no song in it", arguments=[lastfm, "--lastfm", lastfm])
    refuse(program.BAD_DATA, "no song in it", arguments=[lastfm, "--lists", tmp_path / "bad"])
    refuse(program.USAGE, "--lists", "--quick", arguments=[msd, "--lists", tmp_path / "bad", "--quick"])
    refuse(program.MISSING, "no folder", arguments=[msd, "--lists", tmp_path / "no/folder"])


@pytest.mark.parametrize("command", ["inspect", "prepare"])
@pytest.mark.parametrize("text", ["252,lots", "252;512", "252,", "1e3", "-5"])
def test_unreadable_thresholds_are_told_with_an_example(tree, command, text):
    arguments = [tree / "msd"] if command == "inspect" else [
        "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 60, "--out", "/tmp/no.h5"]
    outcome = program.run(command, *arguments, f"--thresholds={text}")
    program.refuse(outcome, program.USAGE, "--thresholds", "such as 252,512,1024")


def test_a_tree_without_a_sound_song_is_told_and_ends_as_bad_data(tmp_path):
    (tmp_path / "msd").mkdir()
    for name in "AB":
        (tmp_path / f"msd/{name}.h5").write_text("nothing")
    outcome = program.run("inspect", tmp_path / "msd", ranks=2)
    program.refuse(outcome, program.BAD_DATA, "none of its 2 songs")
    assert "A.h5" in outcome.output and "B.h5" in outcome.output
    program.refuse(program.run("inspect", tmp_path / "msd", "--strict", ranks=2), program.BAD_DATA, "A.h5")


@pytest.mark.parametrize("ranks", [None, 2])
def test_of_many_bad_files_the_first_are_shown_and_all_are_listed(tree, tmp_path, ranks):
    folder = tmp_path / "msd"
    folder.mkdir()
    shutil.copy(sorted((tree / "msd").rglob("*.h5"))[0], folder)
    for number in range(1200):
        (folder / f"bad-{number:04}.h5").write_text("nothing")
    outcome = program.succeed("inspect", folder, "--lists", tmp_path / "all", ranks=ranks)
    assert "1200 songs could not be read" in outcome.output and "and 1190 more" in outcome.output
    assert outcome.output.count("bad-") == 10 and "bad-0009" in outcome.output
    listed = [line.split("\t")[0] for line in (tmp_path / "all.skipped.tsv").read_text().splitlines()]
    assert listed == [str(folder / f"bad-{number:04}.h5") for number in range(1200)]
    assert [row["path"] for row in inspected(folder, ranks=ranks)["skipped"]] == listed
