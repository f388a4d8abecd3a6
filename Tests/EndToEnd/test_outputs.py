"""What a command writes takes the place of nothing that is not its own: refused in one line, every byte as it was."""

import hashlib
import os
import shutil
import stat
import time

import pytest

import checkpoints
import program
from program import OUR_FAULT, USAGE, refuse

BOTH = pytest.mark.parametrize("ranks", [None, 2], ids=["alone", "two-ranks"])


def prepare(tree, out, *options, ranks=None, **other):
    return program.run("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--out", out,
                       *options, ranks=ranks, timeout=60, **other)


def train(data, out, *options, ranks=None):
    return program.run("train", "--data", data, "--out", out, "--filters", "[4,4,4]", "--recurrent-units", 3, "--epochs", 1,
                       "--batch-size", 12, "--threads", 1, *options, ranks=ranks, timeout=60)


def state(folder):
    """Every file below a folder: its kind, and the hash of its bytes."""
    def entry(path):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return hashlib.sha256(path.read_bytes()).hexdigest()
        return os.readlink(path) if path.is_symlink() else stat.S_IFMT(status.st_mode)

    return {str(path.relative_to(folder)): entry(path) for path in sorted(folder.rglob("*"))}


@pytest.fixture
def own(tree, tmp_path):
    """A tree of one's own, to be spoilt."""
    shutil.copytree(tree, tmp_path / "own")
    return tmp_path / "own"


# prepare

@BOTH
def test_a_snapshot_is_replaced_with_force_alone(tree, tmp_path, ranks):
    out = tmp_path / "songs.h5"
    assert prepare(tree, out, ranks=ranks).code == program.DONE
    before = state(tmp_path)
    refuse(prepare(tree, out, "--segments", 60, ranks=ranks), USAGE, "songs.h5", "a snapshot", "--force")
    assert state(tmp_path) == before
    outcome = prepare(tree, out, "--segments", 60, "--force", ranks=ranks)
    assert outcome.code == program.DONE, str(outcome)
    assert checkpoints.arrays(out)["songs/pitches"].shape[1] == 60


@BOTH
def test_a_song_of_the_tree_is_not_replaced(own, ranks):
    song = next((own / "msd").rglob("*.h5"))
    before = state(own)
    for options in ([], ["--force"]):
        refuse(prepare(own, song, *options, ranks=ranks), USAGE, song.name, "snapshot")
    assert state(own) == before


def test_the_database_of_tags_is_not_replaced(own, tmp_path):
    import lastfm_database
    database = tmp_path / "lastfm_tags.db"
    lastfm_database.make(own / "lastfm", database)
    before = state(tmp_path)
    link = tmp_path / "link.h5"
    link.symlink_to(database)
    for out in (database, link):
        outcome = program.run("prepare", "--msd", own / "msd", "--lastfm", database, "--segments", 252, "--out", out,
                              "--force")
        refuse(outcome, USAGE, out.name, "read")
    link.unlink()
    assert state(tmp_path) == before


def test_the_list_of_songs_is_not_replaced(own, tmp_path):
    songs = tmp_path / "songs.txt"
    songs.write_text("own/msd\n")
    # The list stands where the preparation would put its own.
    other = tmp_path / "out.h5.skipped.tsv"
    other.write_text("own/msd\n# a comment\twith a tab\n")
    before = state(tmp_path)
    for msd, out in ((songs, songs), (other, tmp_path / "out.h5")):
        outcome = program.run("prepare", "--msd", msd, "--lastfm", own / "lastfm", "--segments", 252, "--out", out, "--force")
        refuse(outcome, USAGE, msd.name, "read")
        assert state(tmp_path) == before


@pytest.mark.parametrize("name", ["songs.h5.skipped.tsv", "songs.h5.mismatches.tsv"])
def test_a_table_of_somebody_elses_is_not_replaced(tree, tmp_path, name):
    (tmp_path / name).write_text("my own notes\n")
    refuse(prepare(tree, tmp_path / "songs.h5"), USAGE, name)
    assert state(tmp_path).keys() == {name}
    assert (tmp_path / name).read_text() == "my own notes\n"


def test_the_lists_of_an_earlier_preparation_are_replaced(own, tmp_path):
    out = tmp_path / "songs.h5"
    bad = own / "msd/A/A/A/TRAAAAA000000000AA.h5"
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text("this is not HDF5\n")
    assert prepare(own, out).code == program.DONE
    assert bad.name in (tmp_path / "songs.h5.skipped.tsv").read_text()
    bad.unlink()
    assert prepare(own, out, "--force").code == program.DONE
    assert not (tmp_path / "songs.h5.skipped.tsv").exists()
    assert (tmp_path / "songs.h5.mismatches.tsv").exists()


@BOTH
def test_a_checkpoint_is_not_replaced_by_a_snapshot(tree, checkpoint, tmp_path, ranks):
    out = tmp_path / "epoch-0001.h5"
    shutil.copy(checkpoint, out)
    before = state(tmp_path)
    refuse(prepare(tree, out, "--force", ranks=ranks), USAGE, out.name, "snapshot")
    assert state(tmp_path) == before


def test_what_is_no_file_is_not_replaced(tree, tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "link.h5").symlink_to("nowhere.h5")
    (tmp_path / "notes.h5").write_text("not HDF5 at all\n")
    (tmp_path / "folder.h5").mkdir()
    if os.geteuid() == 0:
        # The null device, by a name of one's own.
        os.mknod(tmp_path / "null.h5", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    before = state(tmp_path)
    for name in before:
        outcome = prepare(tree, tmp_path / name, "--force")
        refuse(outcome, USAGE, name)
    assert state(tmp_path) == before


@BOTH
def test_what_has_come_to_the_path_meanwhile_is_not_replaced(tree, tmp_path, ranks):
    """The songs take their time; whatever is put at the path in it stays."""
    out = tmp_path / "songs.h5"
    process = program.start("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--out", out,
                            ranks=ranks)
    deadline = time.monotonic() + 60
    while not any(".partial-" in path.name for path in tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.005)
    out.write_text("mine\n")
    refuse(program.finish(process), OUR_FAULT, "songs.h5", "meanwhile")
    assert out.read_text() == "mine\n"
    assert not [path for path in tmp_path.iterdir() if ".partial-" in path.name]


# train

@BOTH
def test_a_run_is_gone_on_with_or_left_alone(snapshot, run, tmp_path, ranks):
    shutil.copytree(run, tmp_path / "run")
    before = state(tmp_path)
    refuse(train(snapshot, tmp_path / "run", ranks=ranks), USAGE, "already holds a run", "--resume")
    assert state(tmp_path) == before


@pytest.mark.parametrize("options", [[], ["--resume"]], ids=["afresh", "resume"])
@BOTH
def test_a_configuration_that_is_no_runs_is_not_replaced(snapshot, tmp_path, options, ranks):
    """One's own file, comments and all, in the folder that the run is to go to."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "config.yaml").write_text("# my own words\nlearning_rate: 0.002\n")
    before = state(tmp_path)
    refuse(train(snapshot, folder, "--config", folder / "config.yaml", *options, ranks=ranks), USAGE, "config.yaml")
    assert state(tmp_path) == before


def test_metrics_that_are_no_runs_are_not_replaced(snapshot, tmp_path):
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    (tmp_path / "run/metrics.jsonl").write_text('{"mine": 1}\n')
    before = state(tmp_path)
    refuse(train(snapshot, tmp_path / "run"), USAGE, "metrics.jsonl")
    assert state(tmp_path) == before


def test_songs_that_a_run_did_not_make_are_not_replaced(tree, snapshot, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(snapshot, tmp_path / "run/songs.h5")
    before = state(tmp_path)
    outcome = program.run("train", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--out", tmp_path / "run", "--epochs", 1)
    refuse(outcome, USAGE, "songs.h5")
    assert state(tmp_path) == before


def test_a_file_in_place_of_the_runs_folder(snapshot, tmp_path):
    (tmp_path / "run").write_text("mine\n")
    os.mkfifo(tmp_path / "pipe")
    before = state(tmp_path)
    for name in before:
        refuse(train(snapshot, tmp_path / name), USAGE, name, "folder")
    assert state(tmp_path) == before


@pytest.mark.parametrize("name", ["epoch-0001.h5", "epoch-0009.h5", "best.h5"])
@pytest.mark.parametrize("options", [[], ["--resume"]], ids=["afresh", "resume"])
def test_a_folder_that_is_named_like_a_checkpoint_is_left_alone(snapshot, tmp_path, name, options):
    """It is not taken for damaged and renamed, and not removed with old checkpoints."""
    folder = tmp_path / "run/checkpoints" / name
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine\n")
    before = state(tmp_path)
    refuse(train(snapshot, tmp_path / "run", "--keep-checkpoints", 1, *options), USAGE, name, "is a folder", "move it away")
    assert state(tmp_path) == before


def test_a_folder_among_the_checkpoints_of_a_run_ends_all_ranks(snapshot, run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run/checkpoints/step-00000001.h5").mkdir()
    before = state(tmp_path)
    refuse(train(snapshot, tmp_path / "run", "--resume", ranks=2), USAGE, "step-00000001.h5", "is a folder")
    assert state(tmp_path) == before


def test_a_folder_that_comes_while_the_run_lasts_is_not_removed_with_old_checkpoints(snapshot, tmp_path):
    line = ["train", "--data", snapshot, "--out", tmp_path / "run", "--filters", "[4,4,4]", "--recurrent-units", 3, "--epochs",
            400, "--batch-size", 12, "--threads", 1, "--keep-checkpoints", 1]
    process = program.start(*line)
    checkpoint = tmp_path / "run/checkpoints/epoch-0003.h5"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    mine = tmp_path / "run/checkpoints/epoch-0000.h5"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine\n")
    newest = max(int(path.stem[-4:]) for path in checkpoint.parent.glob("epoch-????.h5"))
    while time.monotonic() < deadline and process.poll() is None:
        if any(int(path.stem[-4:]) > newest + 3 for path in checkpoint.parent.glob("epoch-????.h5")):
            break
        time.sleep(0.005)
    else:
        pytest.fail(f"no later checkpoints: {program.finish(process, timeout=0)}")
    program.kill(process)
    outcome = program.finish(process)
    assert (mine / "notes.txt").read_text() == "mine\n", str(outcome)


def test_a_run_does_not_go_into_the_tree_it_reads(own):
    before = state(own)
    outcome = program.run("train", "--msd", own / "msd", "--lastfm", own / "lastfm", "--out", own / "msd", "--epochs", 1)
    refuse(outcome, USAGE, "msd", "read")
    assert state(own) == before


def test_a_run_that_ended_before_its_first_checkpoint_is_begun_again(snapshot, tmp_path):
    """What it has left is a run's own, and its configuration can be the one to begin with."""
    folder = tmp_path / "run"
    assert train(snapshot, folder).code == program.DONE
    for file in (folder / "checkpoints").iterdir():
        file.unlink()
    outcome = train(snapshot, folder, "--config", folder / "config.yaml")
    assert outcome.code == program.DONE, str(outcome)


# synthesize and inspect

@BOTH
def test_synthesize_leaves_files_in_place_of_its_folder_alone(tmp_path, ranks):
    (tmp_path / "demo").write_text("mine\n")
    outcome = program.run("synthesize", "--out", tmp_path / "demo", "--songs", 3, "--force", ranks=ranks)
    refuse(outcome, USAGE, "demo", "folder")
    assert (tmp_path / "demo").read_text() == "mine\n"


def test_the_lists_of_inspect_replace_nothing_but_lists(own, tmp_path):
    (tmp_path / "found.skipped.tsv").write_text("my own notes\n")
    before = state(tmp_path)
    refuse(program.run("inspect", own / "msd", "--lists", tmp_path / "found"), USAGE, "found.skipped.tsv")
    assert state(tmp_path) == before
