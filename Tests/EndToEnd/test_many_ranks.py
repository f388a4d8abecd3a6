"""Ranks on nodes, sums beside the backward pass, parts of batches, fewer bits: what must be the same is, and what must not
go unnoticed does not."""

import contextlib
import json
import os
import signal
import time

import pytest

import checkpoints
import program

EPOCHS = 3
LAST = f"checkpoints/epoch-{EPOCHS:04}.h5"
PARTS = {1: "one part", 3: "three parts"}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """A snapshot of short songs, and a split of which 101 are for training: no multiple of a batch of 24."""
    folder = tmp_path_factory.mktemp("songs")
    program.succeed("synthesize", "--out", folder / "tree", "--songs", 260, "--seed", 8)
    program.succeed("prepare", "--msd", folder / "tree/msd", "--lastfm", folder / "tree/lastfm", "--segments", 36,
                    "--out", folder / "songs.h5")
    return folder / "songs.h5"


def split(songs, folder, training):
    """Lists of so many songs for training, and up to twenty others for validation."""
    names = [name.decode() for name in checkpoints.arrays(songs)["songs/track_id"]]
    assert len(names) > training + 10, len(names)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.txt").write_text("\n".join(names[:training]) + "\n")
    (folder / "validation.txt").write_text("\n".join(names[training:training + 20]) + "\n")
    return f"files:{folder}/train.txt,{folder}/validation.txt"


def training(songs, run, lists, *options, epochs=EPOCHS, batch=24):
    """A line that trains with dropout and batch norm over the global batch."""
    return ["train", "--data", songs, "--out", run, "--split", lists, "--filters", "[6,5,7]", "--recurrent-units", 4,
            "--batch-size", batch, "--epochs", epochs, "--seed", 2, "--threads", 1, "--log-every", 1, *options]


def train(songs, run, lists, *options, ranks=1, nodes=1, epochs=EPOCHS, batch=24, **other):
    """Nodes are as many ranks as there would be on one."""
    return program.succeed(*training(songs, run, lists, *options, epochs=epochs, batch=batch), ranks=ranks,
                           CRNN_DIST_RANKS_PER_NODE=-(-ranks // nodes), **other)


def losses(run):
    return [line["loss"] for line in checkpoints.metrics(run, "step")]


# How a job is laid out

@pytest.fixture(scope="module")
def alone(songs, tmp_path_factory):
    """One rank's losses, by the number of a batch's parts."""
    folder = tmp_path_factory.mktemp("alone")
    found = {}
    for parts in PARTS:
        train(songs, folder / str(parts), split(songs, folder, 101), "--accumulate", parts)
        found[parts] = losses(folder / str(parts))
        assert len(found[parts]) == EPOCHS * 5
    # Each part has its own batch statistics: that is another computation.
    assert max(abs(a - b) for a, b in zip(found[1], found[3])) > 1e-4
    return found


@pytest.mark.parametrize("parts", PARTS, ids=PARTS.values())
@pytest.mark.parametrize("ranks", [2, 3, 5, 8])
def test_layout_and_overlap_change_nothing(songs, alone, tmp_path, ranks, parts):
    training = split(songs, tmp_path, 101)
    ways = {"one": (1, []), "two": (2, []), "two-after": (2, ["--no-overlap"])}
    if parts > 1:
        del ways["two-after"]
    for name, (nodes, options) in ways.items():
        train(songs, tmp_path / name, training, "--accumulate", parts, *options, ranks=ranks, nodes=nodes)
        found = losses(tmp_path / name)
        assert len(found) == len(alone[parts])
        assert max(abs(a - b) / b for a, b in zip(found, alone[parts])) <= 1e-9, name
        assert checkpoints.differences(tmp_path / "one" / LAST, tmp_path / name / LAST) == [], name


def test_a_node_that_sends_more_than_it_receives_is_not_held_up(songs, tmp_path):
    """Of four ranks on nodes of three the first node tells of two sums, the other of one. Here the gradients are more than
    may wait on the way at once."""
    lists = split(songs, tmp_path, 30)
    wide = ["--filters", "[60,60,60]", "--epochs", 1, "--batch-size", 12]
    for name, ranks_per_node in (("uneven", 3), ("one", 4)):
        program.succeed("train", "--data", songs, "--out", tmp_path / name, "--split", lists, *wide, "--threads", 1, ranks=4,
                        timeout=60, CRNN_DIST_RANKS_PER_NODE=ranks_per_node)
    last = "checkpoints/epoch-0001.h5"
    assert checkpoints.differences(tmp_path / "uneven" / last, tmp_path / "one" / last) == []


def test_ranks_without_room_for_shared_memory_say_so_and_train_the_same(songs, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("another /dev/shm needs root")
    line = training(songs, tmp_path / "narrow", split(songs, tmp_path, 101))
    # The launcher and its ranks see a small one; windows of the program's own want 16 MB beside what they hold.
    narrow = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=10m none /dev/shm && exec "$@"', "sh"]
    outcome = program.finish(program.start_line(narrow + program.command(line, ranks=2)), timeout=60)
    assert outcome.code == 0 and "no room for memory that its ranks share (df -h /dev/shm)" in outcome.errors, str(outcome)
    ordinary = program.succeed(*training(songs, tmp_path / "wide", split(songs, tmp_path, 101)), ranks=2)
    assert "/dev/shm" not in ordinary.errors
    assert checkpoints.differences(tmp_path / "wide" / LAST, tmp_path / "narrow" / LAST) == []


def test_the_benchmark_of_sums_tells_what_goes_over_the_link():
    def told(ranks_per_node, *options):
        return json.loads(program.succeed(
            "benchmark", "allreduce", "--sizes", "1M", "--repetitions", 3, "--json", *options, ranks=4, timeout=60,
            CRNN_DIST_RANKS_PER_NODE=ranks_per_node).output)

    alone = told(4)
    assert alone["nodes"] == 1 and "link_gigabytes_per_second" not in alone
    names = [result["name"] for result in alone["results"]]
    assert names == ["small model", "large model", f"{1 << 20} bytes"]
    assert all("sent_gigabytes_per_second" not in result for result in alone["results"])
    # Of a node's half of the gradients the part, and of its own the sum: 8 and 4 bytes, or 2 and 2; of two sums 16 and 4.
    for ranks_per_node, options, bytes_each in ((2, [], 12), (3, [], 20), (2, ["--gradient-compression", "bf16"], 4)):
        found = told(ranks_per_node, *options)
        assert found["nodes"] == 2 and found["link_gigabytes_per_second"] > 0
        for result in found["results"]:
            sent = result["sent_gigabytes_per_second"] * 1e9 * result["seconds"]
            assert sent == pytest.approx(result["bytes"] / 8 / 2 * bytes_each, rel=0.01), result
            assert 0 < result["share_of_link"] < 3


@pytest.mark.parametrize("ranks, training", [(5, 7), (5, 3), (8, 9)])
@pytest.mark.parametrize("shuffle", ["global", "local", "partial:0.5"])
def test_more_ranks_than_songs_train(songs, tmp_path, ranks, training, shuffle):
    lists = split(songs, tmp_path, training)
    for nodes in (1, 2):
        train(songs, tmp_path / str(nodes), lists, "--shuffle", shuffle, ranks=ranks, nodes=nodes, batch=8)
    assert checkpoints.differences(tmp_path / "1" / LAST, tmp_path / "2" / LAST) == []
    if shuffle == "global":
        train(songs, tmp_path / "alone", lists, batch=8)
        assert max(abs(a - b) / b for a, b in zip(losses(tmp_path / "1"), losses(tmp_path / "alone"))) <= 1e-9


def test_a_shuffle_of_shards_goes_on_where_it_stopped(songs, tmp_path):
    lists = split(songs, tmp_path, 101)
    options = ["--shuffle", "partial:0.3"]
    train(songs, tmp_path / "whole", lists, *options, ranks=3)
    train(songs, tmp_path / "parts", lists, *options, ranks=3, epochs=2)
    train(songs, tmp_path / "parts", lists, *options, "--resume", ranks=3)
    assert checkpoints.differences(tmp_path / "whole" / LAST, tmp_path / "parts" / LAST) == []
    train(songs, tmp_path / "local", lists, "--shuffle", "local", ranks=3)
    assert checkpoints.differences(tmp_path / "whole" / LAST, tmp_path / "local" / LAST)


def test_ranks_of_a_node_keep_the_songs_once(songs, tmp_path):
    lists = split(songs, tmp_path, 101)

    def kilobytes(nodes):
        said = train(songs, tmp_path / str(nodes), lists, ranks=2, nodes=nodes, epochs=1, batch=8).errors
        size, unit = said.split("songs ", 2)[2].split(",")[0].split(")")[0].split()
        return float(size) * {"KiB": 1, "MiB": 1024}[unit]

    assert kilobytes(1) < 0.75 * kilobytes(2)


# Fewer bits

def test_what_brain_floats_lose_is_part_of_the_checkpoint(songs, tmp_path):
    lists = split(songs, tmp_path, 101)
    options = ["--gradient-compression", "bf16"]
    train(songs, tmp_path / "whole", lists, *options, ranks=4, nodes=2)
    train(songs, tmp_path / "parts", lists, *options, ranks=4, nodes=2, epochs=1)
    train(songs, tmp_path / "parts", lists, *options, "--resume", ranks=4, nodes=2)
    assert checkpoints.differences(tmp_path / "whole" / LAST, tmp_path / "parts" / LAST) == []
    kept = {name: values for name, values in checkpoints.weights(tmp_path / "whole" / LAST).items()
            if name.startswith("error_feedback/")}
    assert kept and any(values.any() for values in kept.values())
    # On one node nothing is rounded, and nothing kept.
    train(songs, tmp_path / "node", lists, *options, ranks=4)
    train(songs, tmp_path / "exact", lists, ranks=4)
    assert checkpoints.differences(tmp_path / "node" / LAST, tmp_path / "exact" / LAST) == []
    assert losses(tmp_path / "whole") != losses(tmp_path / "exact")


@pytest.mark.parametrize("form, most", [("fp32", 1e-6), ("bf16", 1e-2)])
def test_losses_with_fewer_bits_stay_near_the_exact_ones(songs, alone, tmp_path, form, most):
    train(songs, tmp_path / "run", split(songs, tmp_path, 101), "--gradient-compression", form, ranks=3, nodes=3)
    found = [abs(a - b) / b for a, b in zip(losses(tmp_path / "run"), alone[1])]
    assert 0 < max(found) < most


# Seeing it

def test_a_timeline_shows_every_rank_and_its_messages(songs, tmp_path):
    lists = split(songs, tmp_path, 101)
    path = tmp_path / "timeline.json"
    train(songs, tmp_path / "run", lists, "--timeline", path, ranks=3, nodes=2)
    events = json.loads(path.read_text())["traceEvents"]
    assert {event["pid"] for event in events} == {0, 1, 2}
    for rank in range(3):
        own = [event for event in events if event["pid"] == rank]
        passes = [event for event in own if event["ph"] == "X"]
        names = {event["name"] for event in passes}
        assert {"read", "convolution_2, forward", "convolution_2, backward", "optimizer"} <= names
        assert len([event for event in passes if event["name"] == "optimizer"]) == EPOCHS * 5
        # What a rank does comes one after the other; buckets begin and end.
        passes.sort(key=lambda event: event["ts"])
        for before, after in zip(passes, passes[1:]):
            assert before["ts"] + before["dur"] <= after["ts"] + 1
        begun = [event for event in own if event["ph"] == "b"]
        ended = {event["id"]: event["ts"] for event in own if event["ph"] == "e"}
        assert len(begun) == len(ended) > 0
        assert all(ended[event["id"]] >= event["ts"] for event in begun)
    refused = program.run("train", "--data", songs, "--out", tmp_path / "other", "--timeline", songs)
    assert refused.code == program.USAGE and str(songs) in refused.errors


def test_a_rank_that_sleeps_is_named_and_changes_nothing(songs, tmp_path):
    lists = split(songs, tmp_path, 101)
    wide = ["--filters", "[30,30,30]"]
    train(songs, tmp_path / "undisturbed", lists, *wide, ranks=3, nodes=3, epochs=6)
    run = tmp_path / "run"
    process = program.start(*training(songs, run, lists, *wide, epochs=6), ranks=3, CRNN_DIST_RANKS_PER_NODE=1)
    while process.poll() is None and not (sleeper := program.ranks_of(run).get(1)):
        time.sleep(0.01)
    sleep_often(process, sleeper)
    outcome = program.finish(process)
    assert outcome.code == program.DONE, str(outcome)
    named = [line["slowest_rank"] for line in checkpoints.metrics(run, "epoch") if line["slowest_rank"] is not None]
    # Others are slow too where the machine has other work, and are named then.
    assert 1 in named, named
    assert "rank 1 on " in outcome.errors and "is slow and costs" in outcome.errors
    last = "checkpoints/epoch-0006.h5"
    assert checkpoints.differences(tmp_path / "undisturbed" / last, run / last) == []


def sleep_often(process, sleeper):
    """Leaves a rank a seventh of the time, in slices that are short beside a step: it sleeps while it has to compute."""
    while process.poll() is None:
        for what, seconds in ((signal.SIGSTOP, 0.03), (signal.SIGCONT, 0.005)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(sleeper, what)
            time.sleep(seconds)


# Learning

@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstration")
    program.succeed("synthesize", "--out", folder / "tree", "--songs", 2000, "--seed", 1, ranks=2, timeout=600)
    program.succeed("prepare", "--msd", folder / "tree/msd", "--lastfm", folder / "tree/lastfm", "--segments", 252,
                    "--out", folder / "songs.h5", ranks=2, timeout=600)
    return folder / "songs.h5"


def best_auc(songs, run, *options, epochs, batch, ranks=2, nodes=1):
    program.succeed(
        "train", "--data", songs, "--out", run, "--model", "small", "--batch-size", batch, "--epochs", epochs, "--split",
        "random:0.8", "--threads", 1, *options, ranks=ranks, timeout=3000, CRNN_DIST_RANKS_PER_NODE=-(-ranks // nodes))
    return max(line["val_auc_macro"] for line in checkpoints.metrics(run, "epoch"))


@pytest.mark.long
def test_brain_floats_learn_as_well(demonstration, tmp_path):
    differences = []
    for seed in range(1, 6):
        aucs = [best_auc(demonstration, tmp_path / f"{form}-{seed}", "--seed", seed, "--gradient-compression", form,
                         epochs=15, batch=32, nodes=2) for form in ("none", "bf16")]
        differences.append(aucs[1] - aucs[0])
    assert abs(sum(differences) / len(differences)) <= 0.005, differences


@pytest.mark.long
def test_a_large_batch_learns_as_well_as_a_small_one(demonstration, tmp_path):
    """Two steps an epoch: a hundred epochs, or there are too few to learn anything in, and moving statistics that keep up."""
    small = best_auc(demonstration, tmp_path / "small", epochs=100, batch=32)
    large = best_auc(
        demonstration, tmp_path / "large", "--optimizer", "lamb", "--learning-rate", 0.03, "--schedule", "cosine",
        "--warm-up-steps", 20, "--batch-norm-momentum", 0.9, "--accumulate", 4, epochs=100, batch=512)
    assert large >= small - 0.01, (small, large)
