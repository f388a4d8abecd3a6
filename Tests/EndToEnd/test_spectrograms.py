"""Spectrogram files: made, inspected, trained on, evaluated; and refused in one line where they are not what they should be."""

import json

import h5py
import numpy
import pytest

import checkpoints
import program

SHAPE = ["--bands", 24, "--frames", 60]
NETWORK = ["--model", "choi2016", "--filters", "[4,6]", "--recurrent-units", 8, "--pooling", "[[4,4],[6,4]]",
           "--pad-to", 64]
RUN = [*NETWORK, "--batch-size", 16, "--seed", 5, "--split", "artist:0.7/0.3/0", "--threads", 1]


@pytest.fixture(scope="module")
def spectrograms(tmp_path_factory):
    """160 spectrograms of 24 bands and 60 frames in half precision, written by two ranks."""
    file = tmp_path_factory.mktemp("spectrograms") / "songs.h5"
    program.succeed("synthesize", "--spectrograms", 160, *SHAPE, "--seed", 3, "--out", file, ranks=2)
    return file


@pytest.fixture(scope="module")
def trained(spectrograms, tmp_path_factory):
    """Two epochs on one rank, spectrograms in memory."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    program.succeed("train", "--data", spectrograms, "--out", folder, *RUN, "--epochs", 2)
    return folder


def changed(file, folder, change):
    """A copy of a file with something changed in it."""
    copy = folder / "changed.h5"
    copy.write_bytes(file.read_bytes())
    with h5py.File(copy, "r+") as opened:
        change(opened)
    return copy


def replaced(name, values):
    def change(file):
        del file[name]
        file[name] = values
    return change


def test_the_file_is_what_the_docs_say_and_the_same_for_any_number_of_ranks(spectrograms, tmp_path):
    alone = tmp_path / "alone.h5"
    told = program.succeed("synthesize", "--spectrograms", 160, *SHAPE, "--seed", 3, "--out", alone).output
    with h5py.File(spectrograms) as one, h5py.File(alone) as other:
        assert one["features"].shape == (160, 24, 60) and one["features"].dtype == numpy.float16
        assert one["labels"].shape == (160, 50) and len(set(one["ids"][:])) == 160
        assert -80 <= one["features"][:].min() < one["features"][:].max() <= 0
        for name in ("features", "labels", "ids", "artists", "tags"):
            assert numpy.array_equal(one[name][:], other[name][:]), name
    assert 0.75 < float(told.split("macro ")[1].split()[0]) < 0.95


def test_inspect_tells_what_it_holds(spectrograms):
    told = json.loads(program.succeed("inspect", spectrograms, "--json").output)
    assert (told["kind"], told["songs"], told["bands"], told["frames"]) == ("spectrograms", 160, 24, 60)
    assert told["precision"] == "float16" and len(told["tags"]) == 50
    with h5py.File(spectrograms) as file:
        assert told["songs_by_tag"] == file["labels"][:].sum(axis=0).tolist()
        assert told["artists"] == len(set(file["artists"][:]))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_agree(spectrograms, trained, ranks, tmp_path):
    program.succeed("train", "--data", spectrograms, "--out", tmp_path / "run", *RUN, "--epochs", 2, ranks=ranks)
    path = "checkpoints/epoch-0002.h5"
    one, other = checkpoints.weights(trained / path), checkpoints.weights(tmp_path / "run" / path)
    for name in one:
        if name.startswith("weights/"):
            assert numpy.abs(one[name] - other[name]).max() <= 1e-6 * numpy.abs(one[name]).max(), name


def test_a_set_larger_than_the_memory_given_is_streamed_to_the_same_weights(spectrograms, trained, tmp_path):
    outcome = program.succeed(
        "train", "--data", spectrograms, "--out", tmp_path / "run", *RUN, "--epochs", 2, "--memory", "200KB", ranks=2)
    assert "as they are needed" in outcome.output + outcome.errors
    in_memory = tmp_path / "in-memory"
    program.succeed("train", "--data", spectrograms, "--out", in_memory, *RUN, "--epochs", 2, ranks=2)
    path = "checkpoints/epoch-0002.h5"
    differing = checkpoints.differences(tmp_path / "run" / path, in_memory / path)
    assert differing == []


def test_single_precision_gives_the_same_as_the_same_values_in_half(spectrograms, trained, tmp_path):
    with h5py.File(spectrograms) as file:
        values = file["features"][:].astype(numpy.float32)
    file = changed(spectrograms, tmp_path, replaced("features", values))
    program.succeed("train", "--data", file, "--out", tmp_path / "run", *RUN, "--epochs", 2)
    path = "checkpoints/epoch-0002.h5"
    assert checkpoints.differences(trained / path, tmp_path / "run" / path) == []


def test_it_learns_and_evaluates_what_was_trained(tmp_path):
    spectrograms, folder = tmp_path / "songs.h5", tmp_path / "run"
    program.succeed("synthesize", "--spectrograms", 320, *SHAPE, "--seed", 3, "--out", spectrograms)
    program.succeed("train", "--data", spectrograms, "--out", folder, *RUN, "--filters", "[8,8]", "--epochs", 30,
                    "--learning-rate", 0.01)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["event"] == "epoch"][-1]
    # The best that any model can reach is 0.85.
    assert last["val_auc_macro"] > 0.62
    told = json.loads(program.succeed(
        "evaluate", "--checkpoint", folder / "checkpoints/epoch-0030.h5", "--data", spectrograms, "--json", ranks=2
    ).output)
    assert told["auc_macro"] == pytest.approx(last["val_auc_macro"], abs=1e-9)


def test_a_run_goes_on(spectrograms, trained, tmp_path):
    line = ["train", "--data", spectrograms, "--out", tmp_path / "run", *RUN]
    program.succeed(*line, "--epochs", 1)
    program.succeed(*line, "--epochs", 2, "--resume")
    path = "checkpoints/epoch-0002.h5"
    found, expected = (checkpoints.weights(folder / path) for folder in (tmp_path / "run", trained))
    assert all(numpy.array_equal(found[name], expected[name]) for name in expected if name.startswith("weights/"))


def test_the_original_network_and_the_five_budgets_have_the_papers_parameters():
    counts = {"choi2016": 396_786, "choi2016-0.1M": 97_322, "choi2016-0.25M": 246_290, "choi2016-0.5M": 497_349,
              "choi2016-1M": 1_000_559, "choi2016-3M": 3_027_904}
    for name, count in counts.items():
        told = json.loads(program.succeed("inspect", program.ROOT / f"configs/{name}.yaml", "--json").output)
        assert told["trainable"] == count, name


def test_what_was_called_choi2016_keeps_working_under_a_name_of_its_own(snapshot, tmp_path):
    few = ["--epochs", 1, "--batch-size", 12, "--split", "random:0.8", "--threads", 1]
    old = program.succeed("train", "--data", snapshot, "--out", tmp_path / "old", "--model", "choi2016", *few)
    assert "choi2016-12" in old.output + old.errors
    program.succeed("train", "--data", snapshot, "--out", tmp_path / "new", "--model", "choi2016-12", *few)
    path = "checkpoints/epoch-0001.h5"
    assert checkpoints.differences(tmp_path / "old" / path, tmp_path / "new" / path) == []
    assert "model: choi2016-12" in (tmp_path / "old/config.yaml").read_text()
    config = tmp_path / "old.yaml"
    config.write_text("model: choi2016\nsegments: 252\n")
    told = json.loads(program.succeed("inspect", config, "--json").output)
    assert told["layers"][0]["output_shape"][0] == 12


def nan(file):
    values = file["features"][3]
    values[:] = numpy.nan
    file["features"][3] = values


def twins(file):
    ids = file["ids"][:]
    ids[7] = ids[2]
    file["ids"][...] = ids


@pytest.mark.parametrize("change, words", [
    (nan, ["/features: song 3", "nan", "decibels"]),
    (replaced("features", numpy.zeros((160, 24), numpy.float32)), ["/features", "[160, 24]", "[songs, bands, frames]"]),
    (replaced("features", numpy.zeros((160, 30, 60), numpy.float32)), ["30 bands", "expected 24"]),
    (replaced("features", numpy.zeros((160, 24, 70), numpy.float32)), ["pad_to", "64", "70"]),
    (replaced("features", numpy.zeros((160, 24, 60), numpy.int16)), ["/features", "16-bit integer", "floats"]),
    (replaced("features", numpy.zeros((159, 24, 60), numpy.float32)), ["/labels", "[160, 50]", "[159, 50]"]),
    (replaced("labels", numpy.full((160, 50), 2, numpy.uint8)), ["/labels: song 0", "found 2", "0 or 1"]),
    (lambda file: file.__delitem__("labels"), ["labels"]),
    (lambda file: file.__delitem__("artists"), ["artists", "artist:0.7"]),
    (twins, ["/ids", "songs 2 and 7"]),
], ids=["nan", "two axes", "bands", "frames", "integers", "songs", "labels of 2", "no labels", "no artists", "twins"])
def test_a_file_that_is_not_what_it_should_be_gets_its_line(spectrograms, tmp_path, change, words):
    file = changed(spectrograms, tmp_path, change)
    outcome = program.run("train", "--data", file, "--out", tmp_path / "run", *RUN, "--epochs", 1, ranks=2)
    program.refuse(outcome, program.USAGE if "pad_to" in words else program.BAD_DATA, *words)


def test_a_file_that_is_cut_gets_its_line(spectrograms, tmp_path):
    file = tmp_path / "cut.h5"
    file.write_bytes(spectrograms.read_bytes()[:200_000])
    outcome = program.run("train", "--data", file, "--out", tmp_path / "run", *RUN, "--epochs", 1)
    program.refuse(outcome, program.BAD_DATA, "cut.h5")


def test_values_found_bad_while_streaming_end_all_ranks(spectrograms, tmp_path):
    file = changed(spectrograms, tmp_path, nan)
    outcome = program.run("train", "--data", file, "--out", tmp_path / "run", *RUN, "--epochs", 3, "--memory", "200KB",
                          ranks=2)
    program.refuse(outcome, program.BAD_DATA, "/features: song 3", "nan")
    assert outcome.seconds < 30


def test_nothing_else_is_written_over(spectrograms, tmp_path):
    file = tmp_path / "songs.h5"
    file.write_text("mine")
    line = ["synthesize", "--spectrograms", 4, *SHAPE, "--out", file]
    assert program.run(*line, "--force").code == program.USAGE and file.read_text() == "mine"
    file.write_bytes(spectrograms.read_bytes())
    assert program.run(*line).code == program.USAGE
    program.succeed(*line, "--force")


def test_predict_judges_spectrograms_as_evaluate_does(spectrograms, trained, tree, tmp_path):
    checkpoint = trained / "checkpoints/epoch-0002.h5"
    program.succeed("evaluate", "--checkpoint", checkpoint, "--data", spectrograms, "--split", "all", "--resamples", 0,
                    "--predictions", tmp_path / "evaluated.h5")
    program.succeed("predict", "--checkpoint", checkpoint, spectrograms, "--out", tmp_path / "tagged.h5", ranks=2)
    with h5py.File(tmp_path / "evaluated.h5") as one, h5py.File(tmp_path / "tagged.h5") as other:
        assert numpy.array_equal(one["songs/track_id"][:], other["songs/track_id"][:])
        assert numpy.array_equal(one["songs/probabilities"][:], other["songs/probabilities"][:])
    track = next((tree / "msd").rglob("*.h5"))
    program.refuse(program.run("predict", "--checkpoint", checkpoint, track), program.USAGE, "spectrograms")
