"""No file ends a run, makes it hang or takes all memory: 2,000 mutants of track files and Last.fm records."""

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
