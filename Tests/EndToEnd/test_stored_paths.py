"""A checkpoint or a snapshot is anybody's file: no path that it names is opened, and nothing of such a file is shown."""

import contextlib
import ctypes
import os
import shutil

import h5py
import pytest

import changed_checkpoints
import program

SECRET = "secretkey-0123456789"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def naming(checkpoint, tmp_path):
    """Makes a checkpoint whose configuration says so of some options."""
    def make(**options):
        with h5py.File(checkpoint, "r", locking=False) as file:
            configuration = file["texts/configuration"][()].decode()
        lines = [line for line in configuration.splitlines() if line.split(":")[0] not in options]
        lines += [f"{option}: {value}" for option, value in options.items()]
        return changed_checkpoints.changed(checkpoint, tmp_path / "named.h5", {"texts/configuration": "\n".join(lines)})
    return make


IN_OPEN = 0x20  # <sys/inotify.h>


@contextlib.contextmanager
def unopened(*paths):
    """Insists that nobody opens any of these files meanwhile."""
    library = ctypes.CDLL(None, use_errno=True)
    watch = library.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0, os.strerror(ctypes.get_errno())
    try:
        for path in paths:
            assert library.inotify_add_watch(watch, os.fsencode(path), IN_OPEN) >= 0, os.strerror(ctypes.get_errno())
        yield
        with pytest.raises(BlockingIOError):
            os.read(watch, 4096)
        # It would have been seen.
        for path in paths:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            assert os.read(watch, 4096)
    finally:
        os.close(watch)


@pytest.mark.parametrize("form", ["track-lists", "artist-track-lists", "artist-lists"])
def test_evaluate_opens_no_list_that_the_checkpoint_names(naming, secret, snapshot, tmp_path, form):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    split = f"{form}:{secret},{pipe},{secret}"
    path = naming(split=split)
    with unopened(secret, pipe):
        outcome = program.run("evaluate", "--checkpoint", path, "--data", snapshot)
    assert SECRET not in outcome.output + outcome.errors, str(outcome)
    program.refuse(outcome, program.USAGE, path.name, form, "--split-rule", "--split all")


def test_what_needs_no_list_is_done_without(naming, secret, snapshot, tree, tmp_path):
    path = naming(split=f"track-lists:{secret},{secret}")
    track = next((tree / "msd").rglob("*.h5"))
    for command in (["evaluate", "--checkpoint", path, "--data", snapshot, "--split", "all"], ["inspect", path],
                    ["predict", "--checkpoint", path, track]):
        with unopened(secret):
            outcome = program.run(*command)
        assert outcome.code == program.DONE and SECRET not in outcome.output + outcome.errors, str(outcome)


def test_two_ranks_refuse_together(naming, secret, snapshot):
    path = naming(split=f"track-lists:{secret},{secret}")
    with unopened(secret):
        outcome = program.run("evaluate", "--checkpoint", path, "--data", snapshot, ranks=2)
    program.refuse(outcome, program.USAGE, "--split-rule")
    assert SECRET not in outcome.output + outcome.errors


@pytest.mark.parametrize("options", [["data", "tags"], ["msd", "lastfm"]], ids=" and ".join)
def test_no_other_path_of_a_stored_configuration_is_opened(naming, secret, snapshot, tree, tmp_path, options):
    path = naming(**dict.fromkeys(options, secret))
    track = next((tree / "msd").rglob("*.h5"))
    for command in (["evaluate", "--checkpoint", path, "--data", snapshot], ["inspect", path],
                    ["predict", "--checkpoint", path, track]):
        with unopened(secret):
            outcome = program.run(*command)
        assert outcome.code == program.DONE and SECRET not in outcome.output + outcome.errors, str(outcome)


def made_of_another_file(path, name, other):
    """Replaces a dataset by one that is made of a dataset of another file, as many rows as that has."""
    with h5py.File(path, "r+", locking=False) as file:
        del file[name]
        group, _, own = name.rpartition("/")
        rows = h5py.h5s.create_simple((1, 4), (h5py.h5s.UNLIMITED, 4))
        rows.select_hyperslab((0, 0), (h5py.h5s.UNLIMITED, 1), stride=(1, 1), block=(1, 4))
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_virtual(rows, os.fsencode(other), b"values", rows)
        h5py.h5d.create(file[group].id, own.encode(), h5py.h5t.IEEE_F32LE, rows, creation)


def test_a_dataset_made_of_another_file_opens_none(checkpoint, snapshot, tmp_path):
    """HDF5 opens that file to tell how many rows there are, and waits at a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for good, name in ((checkpoint, "weights/convolution_1/kernel"), (snapshot, "songs/pitches")):
        path = tmp_path / "named.h5"
        shutil.copy(good, path)
        made_of_another_file(path, name, pipe)
        outcome = program.run("inspect", path, timeout=20)
        program.refuse(outcome, program.BAD_DATA, path.name, name, "other files")


def test_a_snapshot_that_names_lists_is_used_by_the_sides_it_keeps(secret, tree, tmp_path):
    path = tmp_path / "named.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 60, "--split", "random:0.8",
                    "--out", path)
    with h5py.File(path, "r+", locking=False) as file:
        options = file.attrs["options"]
        options = options.decode() if isinstance(options, bytes) else options
        file.attrs["options"] = options.replace('"random:0.8"', f'"track-lists:{secret},{secret}"')
    for command in (["train", "--data", path, "--out", tmp_path / "run", "--filters", "[4,4,4]", "--recurrent-units", 3,
                     "--epochs", 1, "--threads", 1],
                    ["evaluate", "--checkpoint", tmp_path / "run/checkpoints/best.h5", "--data", path]):
        with unopened(secret):
            outcome = program.run(*command)
        assert outcome.code == program.DONE and SECRET not in outcome.output + outcome.errors, str(outcome)
