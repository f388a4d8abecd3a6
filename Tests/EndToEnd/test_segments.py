"""Whole songs, crops, timbre and streaming: what a run sees of its songs, with real files and real ranks."""

import functools
import json
import re
import shutil
import subprocess
import sys

import h5py
import numpy
import pytest

import checkpoints
import program

NETWORK = ["--filters", "[6,6,6]", "--recurrent-units", 5, "--batch-size", 12, "--seed", 3, "--split", "random:0.8",
           "--threads", 1, "--epochs", 2, "--log-every", 1]


def prepare(tree, out, *options, ranks=2):
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--out", out, *options, ranks=ranks)
    return out


def train(data, run, *options, ranks=None, **other):
    program.succeed("train", "--data", data, "--out", run, *NETWORK, *options, ranks=ranks, **other)
    return run


@pytest.fixture(scope="module")
def whole(tree, tmp_path_factory):
    """All songs, whole, with pitches and timbre."""
    return prepare(tree, tmp_path_factory.mktemp("whole") / "songs.h5", "--segments", "all", "--features", "both")


def last(run):
    return run / "checkpoints/epoch-0002.h5"


@pytest.mark.parametrize("crop", ["first", "middle"])
def test_a_cut_of_whole_songs_is_the_snapshot_of_that_cut(tree, whole, tmp_path, crop):
    cut = prepare(tree, tmp_path / "cut.h5", "--segments", 252, "--features", "both", "--crop", crop)
    options = ["--crop", crop, "--segments", 252]
    one = train(whole, tmp_path / "from-whole", *options, ranks=2)
    other = train(cut, tmp_path / "from-cut", *options, ranks=2)
    assert last(one).read_bytes() == last(other).read_bytes()
    # Either checkpoint judges either snapshot's songs.
    results = [json.loads(program.succeed("evaluate", "--checkpoint", last(one), "--data", data, "--json").output)
               for data in (whole, cut)]
    assert [result.pop("data") for result in results] == [str(whole), str(cut)]
    assert results[0] == results[1]


CUTS = {"whole": ["--segments", "all"], "random": ["--segments", 100, "--crop", "random"]}


@pytest.fixture(scope="module")
def alone(whole, tmp_path_factory):
    """A run without mpirun for each way to cut, once."""
    @functools.cache
    def trained(cut):
        return train(whole, tmp_path_factory.mktemp("alone") / cut, *CUTS[cut])
    return trained


@pytest.mark.parametrize("ranks", [1, 3, 8])
@pytest.mark.parametrize("cut", CUTS)
def test_losses_do_not_depend_on_the_number_of_ranks(whole, alone, tmp_path, cut, ranks):
    losses = [[step["loss"] for step in checkpoints.metrics(run, "step")]
              for run in (alone(cut), train(whole, tmp_path / "shared", *CUTS[cut], ranks=ranks))]
    assert len(losses[0]) == len(losses[1]) == 8
    assert max(abs(one - other) / one for one, other in zip(*losses)) <= 1e-9


def test_a_model_of_whole_songs_tags_songs_longer_than_it_ever_saw(tree, whole, alone, tmp_path):
    run = train(whole, tmp_path / "run", "--segments", "all", "--longest", 200)
    configuration = (run / "config.yaml").read_text()
    assert "segments: all" in configuration and "features: both" in configuration
    told = json.loads(program.succeed("inspect", last(run), "--json").output)
    assert told["segments"] == 200
    run = alone("whole")
    with h5py.File(whole, "r") as songs:
        lengths = numpy.diff(songs["songs/start"][:])
        names = [name.decode() for name in songs["songs/track_id"][:]]
    order = numpy.argsort(lengths)
    files = [tree / "msd" / names[i][2] / names[i][3] / names[i][4] / f"{names[i]}.h5" for i in order[[0, 1, -1]]]
    together = json.loads(program.succeed("predict", "--checkpoint", last(run), "--json", *files).output)
    # A song's tags do not depend on the songs before it.
    for file, song in zip(files, together):
        alone = json.loads(program.succeed("predict", "--checkpoint", last(run), "--json", file).output)
        assert alone == [song]


@pytest.fixture(scope="module")
def plain(tree, tmp_path_factory):
    """Songs of so many segments without a split, once for each number."""
    @functools.cache
    def prepared(segments):
        return prepare(tree, tmp_path_factory.mktemp("plain") / "plain.h5", "--segments", segments, "--features", "both")
    return prepared


@pytest.mark.parametrize("segments", ["all", 100])
@pytest.mark.parametrize("split", ["artist:0.7/0.2/0.1", "stratified:0.8/0.1/0.1"])
def test_a_snapshot_keeps_the_split_and_the_scale_of_timbre_that_training_would_find(tree, plain, tmp_path, split, segments):
    options = ["--segments", segments, "--features", "both"]
    unsplit = plain(segments)
    kept = [prepare(tree, tmp_path / f"{ranks}.h5", *options, "--split", split, "--seed", 3, ranks=ranks)
            for ranks in (1, 2, 3, 8)]
    assert len({file.read_bytes() for file in kept}) == 1
    found = train(unsplit, tmp_path / "found", "--split", split)
    given = train(kept[0], tmp_path / "given", "--split", split, ranks=3)
    assert last(found).read_bytes() == last(train(kept[0], tmp_path / "alone", "--split", split)).read_bytes()

    with h5py.File(kept[0]) as songs:
        sides = songs["songs/side"][:]
        starts = songs["songs/start"][:] if segments == "all" else numpy.arange(len(sides) + 1) * segments
        timbre = songs["songs/timbre"][:].reshape(-1, 12) / 1000
        mean, deviation = (songs[f"standardization/timbre_{name}"][:] for name in ("mean", "deviation"))
        options = json.loads(songs.attrs["options"])
    assert options["split"] == split and options["seed"] == 3 and set(sides) == {0, 1, 2}
    training = numpy.concatenate([timbre[starts[row]:starts[row + 1]] for row in numpy.flatnonzero(sides == 0)])
    assert numpy.allclose(mean, training.mean(0), rtol=1e-5) and numpy.allclose(deviation, training.std(0), rtol=1e-5)
    for run in (found, given):
        stored = checkpoints.arrays(last(run))
        assert (stored["standardization/timbre_mean"] == mean).all()
        assert (stored["standardization/timbre_deviation"] == deviation).all()
    told = json.loads(program.succeed("inspect", kept[0], "--json").output)
    assert numpy.allclose(told["standardization"]["timbre_mean"], mean)
    assert told["split"] == {"training": int((sides == 0).sum()), "validation": int((sides == 1).sum()),
                             "test": int((sides == 2).sum())}

    # The vocabulary is not counted on that split: any other may be used, and is divided and measured as ever.
    others = [train(data, tmp_path / f"other-{data.stem}", "--split", "random:0.6") for data in (unsplit, kept[0])]
    assert last(others[0]).read_bytes() == last(others[1]).read_bytes()


def test_a_tree_trains_on_whole_songs_without_a_snapshot_of_ones_own(tree, tmp_path):
    program.succeed("train", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--out", tmp_path / "run", *NETWORK,
                    "--segments", 60, "--crop", "random", "--features", "timbre", ranks=2)
    assert len(checkpoints.metrics(tmp_path / "run", "epoch")) == 2
    with h5py.File(last(tmp_path / "run"), "r") as file:
        assert file["standardization/timbre_mean"].shape == (12,)
        assert (file["standardization/timbre_deviation"][:] > 1).all()


def test_choices_that_do_not_go_together_are_refused(whole, snapshot, tmp_path):
    for data, options, words in [
            (whole, ["--segments", "all", "--crop", "random"], "--segments all takes it whole"),
            (whole, ["--segments", 252, "--longest", 300], "--longest cuts whole songs"),
            (snapshot, ["--segments", "all"], "prepare it with --segments all"),
            (snapshot, ["--features", "both"], "prepare it with --features both"),
            (whole, ["--segments", 65536], "none of its"),
            (whole, ["--memory", "lots"], "a number of bytes")]:
        outcome = program.run("train", "--data", data, "--out", tmp_path / "run", *NETWORK, *options)
        assert outcome.code in (program.USAGE, program.BAD_DATA), outcome
        assert words in outcome.errors, outcome


# Streaming

def fnv(texts):
    value = 0xCBF29CE484222325
    for text in texts:
        for byte in text.encode() + b"\0":
            value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def counts_of(file):
    counts = file.attrs["counts"]
    return counts.decode() if isinstance(counts, bytes) else str(counts)


@pytest.fixture(scope="module")
def large(whole, tmp_path_factory):
    """The whole songs again and again under other names: some 200 MB in memory. Made by docs/formats.md alone."""
    path = tmp_path_factory.mktemp("large") / "songs.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+") as file:
        songs = file["songs"]
        start = songs["start"][:]
        bytes_once = int(start[-1]) * 12 * (2 + 4)
        times = -(-200_000_000 // bytes_once)
        names = [f"TR{number:016d}".encode() for number in range(times * (len(start) - 1))]
        new = {"start": numpy.concatenate([[0]] + [start[1:] + start[-1] * i for i in range(times)]),
               "track_id": numpy.array(names)}
        for name in list(songs):
            values = new.get(name)
            if values is None:
                values = numpy.concatenate([songs[name][:]] * times)
            options = dict(chunks=(512, 12), compression=1, shuffle=True) if name in ("pitches", "timbre") else {}
            type_ = songs[name].dtype if name != "track_id" else "S18"
            if values.dtype.kind in "SO":
                width = max(len(value) for value in values)
                type_ = h5py.string_dtype("utf-8", max(width, 1))
            del songs[name]
            songs.create_dataset(name, data=values.astype(type_) if not options else values, dtype=type_, **options)
        tags = [name.decode() for name in file["tags/names"][:]]
        file.attrs["songs"] = numpy.int64(len(names))
        file.attrs["counts"] = re.sub(r"\d+", lambda count: str(int(count[0]) * times), counts_of(file))
        for column in set(file["distribution"]) - {"segments"}:
            file["distribution"][column][:] = file["distribution"][column][:] * times
        identity = fnv([str(len(names)), *[name.decode() for name in names], str(len(tags)), *tags, "all"])
        file.attrs["identity"] = numpy.bytes_(identity)
    return path


def peak_memory(data, run, *options):
    """The largest resident set of a training run, in bytes."""
    # A process of its own: the peak of children is that of the largest of them all.
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
            "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    command = [program.BINARY, "train", "--data", data, "--out", run, *NETWORK, "--segments", 100, "--filters",
               "[2,2,2]", "--epochs", 1, "--batch-size", 64, "--train-auc-songs", 0, *options]
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024, done.stderr


def test_streaming_stays_within_its_budget_and_changes_no_bit(large, tmp_path):
    options = ["--features", "both", "--crop", "random"]
    in_memory, _ = peak_memory(large, tmp_path / "memory", *options)
    streamed, said = peak_memory(large, tmp_path / "streamed", *options, "--memory", "16MiB")
    assert "read from the snapshot as they are needed" in said
    # 200 MB of songs against 16 MiB; what else the program needs is the same.
    assert in_memory - streamed > 200e6 - 16 * 2**20 - 8e6, (in_memory, streamed)
    one, other = (tmp_path / run / "checkpoints/epoch-0001.h5" for run in ("memory", "streamed"))
    assert one.read_bytes() == other.read_bytes()


def test_ranks_stream_like_one(whole, tmp_path):
    options = ["--segments", "all", "--memory", "4MB"]
    kept = train(whole, tmp_path / "kept", "--segments", "all", ranks=3)
    streamed = train(whole, tmp_path / "streamed", *options, ranks=3)
    assert last(kept).read_bytes() == last(streamed).read_bytes()
