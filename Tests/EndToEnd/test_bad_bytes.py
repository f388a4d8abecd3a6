"""No file ends a run, makes it hang or takes all memory: 2,000 mutants of track files and Last.fm records."""

import csv
import json
import shutil

import pytest

import aggregate_mutants
import hostile_files
import mutants
import program

MUTANTS = 2000


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Good track files of different songs: the real ones, or synthetic ones of the same structure."""
    real = program.real_data()
    if real is not None:
        return mutants.track_files(real / "msd")
    folder = tmp_path_factory.mktemp("sources")
    program.succeed("synthesize", "--out", folder, "--songs", 500, "--seed", 11, ranks=2)
    return mutants.track_files(folder / "msd")


def test_two_thousand_mutants_are_read_or_listed_with_their_cause(sources, tmp_path):
    made = 0
    while made < MUTANTS:
        tree = mutants.make_tree(tmp_path / str(made), sources[: MUTANTS - made + 20], seed=made)
        mutants.check(tree, tmp_path / f"{made}.h5", ranks=2)
        made += len(tree.mutants) + len(tree.records)


def test_a_thousand_good_and_damaged_files_are_tagged_or_listed(sources, checkpoint, tmp_path):
    trees = [mutants.make_tree(tmp_path / str(seed), sources[:500], seed, good=good) for seed, good in ((0, 300), (1, 100))]
    out = tmp_path / "songs.csv"
    outcome = program.run("predict", "--checkpoint", checkpoint, "--threads", 1, *(tree.msd for tree in trees), "--out", out,
                          ranks=2, timeout=300)
    assert outcome.code == program.DONE, str(outcome)
    assert not [crash for crash in program.CRASHES if crash in outcome.output + outcome.errors], str(outcome)
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    listed = dict(line.split("\t", 1) for line in out.with_name(out.name + ".skipped.tsv").read_text().splitlines())
    # Every file that is a song has its row, once, in order; what has no tags, or no row, is listed.
    files = [str(file) for tree in trees for file in mutants.track_files(tree.msd)]
    told = [row["file"] for row in rows]
    assert len(files) == 1000 and told == [file for file in files if file in set(told)]
    assert set(files) - set(told) <= listed.keys() <= set(files)
    assert {row["file"]: row["skipped"] for row in rows if row["skipped"]} == {
        file: cause for file, cause in listed.items() if file in set(told)}
    for tree in trees:
        for name in tree.good:
            cause = listed.get(str(tree.msd / name), "")
            assert ("segments" in cause) == (mutants.segments_of(tree.msd / name) < 252) and (not cause or "segments" in cause)
        assert not [name for name in tree.surely_bad - tree.records.keys() if str(tree.msd / name) not in listed]


def test_damaged_aggregates_lose_the_songs_that_are_damaged_and_no_other(sources, tmp_path):
    songs = [song for source in sources[:430] for song in aggregate_mutants.songs_in(source)]
    # Each kind of damage to the structure, and then anything.
    tree = aggregate_mutants.make_tree(tmp_path / "one", songs[:230], seed=1, damages=aggregate_mutants.STRUCTURE)
    assert set(tree.damage.values()) == {damage.__name__ for damage in aggregate_mutants.STRUCTURE}
    aggregate_mutants.check(tree, tmp_path / "one.h5", ranks=3)
    tree = aggregate_mutants.make_tree(tmp_path / "two", songs[230:], seed=2)
    aggregate_mutants.check(tree, tmp_path / "two.h5", ranks=2)


@pytest.fixture
def hostile(tree, tmp_path):
    """A tree in which the HDF5 library crashes on one file and loops over another; their names, the crash first."""
    shutil.copytree(tree / "msd", tmp_path / "msd")
    files = sorted((tmp_path / "msd").rglob("*.h5"))
    crash, loop = files[20], files[70]
    crash.write_bytes(hostile_files.crashing(crash.read_bytes()))
    hostile_files.endless(loop)
    return crash, loop


def test_files_over_which_hdf5_crashes_and_loops_are_listed_and_no_other_song_is_lost(tree, hostile, checkpoint, tmp_path):
    crash, loop = hostile
    outcome = program.run("prepare", "--msd", tmp_path / "msd", "--lastfm", tree / "lastfm", "--segments", 60,
                          "--out", tmp_path / "songs.h5", ranks=2, timeout=300)
    assert outcome.code == program.DONE and "warning" not in outcome.errors, str(outcome)
    listed = dict(line.split("\t") for line in (tmp_path / "songs.h5.skipped.tsv").read_text().splitlines())
    assert listed.keys() == {str(crash), str(loop)}, str(outcome)
    assert all(listed.values())
    if hostile_files.hdf5_is_1_10():
        assert listed[str(crash)] == "the HDF5 library crashes on it (signal 11)"
        assert "more than 10 s of processor time" in listed[str(loop)]
    funnel = json.loads(program.succeed("inspect", tmp_path / "songs.h5", "--json").output)["funnel"]
    assert (funnel["files"], funnel["read"]) == (120, 118)
    for words in (["inspect", crash], ["predict", "--checkpoint", checkpoint, crash]):
        program.refuse(program.run(*words), program.BAD_DATA, words[-1].name)


@pytest.mark.parametrize("part", range(4))
def test_a_damaged_database_of_tags_is_read_or_refused_in_one_line(sources, tmp_path, part):
    tree = mutants.make_tree(tmp_path / "tree", sources[:12], seed=0, good=12)
    whole = mutants.database(tree, tmp_path / "whole.db")
    for number in range(12):
        path = tmp_path / f"lastfm_tags-{number}.db"
        path.write_bytes(mutants.damaged_database(whole, f"{part}:{number}"))
        outcome = program.run("prepare", "--msd", tree.msd, "--lastfm", path, "--join", "track-id", "--segments", 60,
                              "--out", tmp_path / f"{number}.h5", timeout=60)
        assert outcome.seconds < 30, str(outcome)
        if outcome.code != program.DONE:
            program.refuse(outcome, program.BAD_DATA)
