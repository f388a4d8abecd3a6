"""Several checkpoints as one: the mean of what they say, for predict and for evaluate."""

import json

import h5py
import numpy
import pytest

import program
from program import BAD_DATA, USAGE, refuse

NETWORK = ("--filters", "[4,4,4]", "--recurrent-units", 2, "--batch-size", 16, "--threads", 1, "--epochs", 1, "--split-seed", 3)


def train(snapshot, out, *options):
    program.succeed("train", "--data", snapshot, "--out", out, *NETWORK, *options)
    return out / "checkpoints/epoch-0001.h5"


@pytest.fixture(scope="module")
def seeds(snapshot, tmp_path_factory):
    """Three networks of other seeds and one split."""
    folder = tmp_path_factory.mktemp("seeds")
    return [train(snapshot, folder / f"{seed}", "--seed", seed) for seed in (1, 2, 3)]


def several(checkpoints):
    return [word for checkpoint in checkpoints for word in ("--checkpoint", checkpoint)]


def tagged(out, checkpoints, *arguments, ranks=None):
    program.succeed("predict", *several(checkpoints), "--threads", 1, *arguments, "--out", out, ranks=ranks)
    with h5py.File(out) as file:
        return file["songs/probabilities"][:], file.attrs["checkpoint"].decode()


def averaged(tables):
    return numpy.mean([table.astype(numpy.float64) for table in tables], axis=0).astype(numpy.float32)


@pytest.fixture(scope="module")
def tagged_alone(tree, snapshot, seeds, tmp_path_factory):
    """What each network by itself says of the songs of a tree, and of a snapshot."""
    folder = tmp_path_factory.mktemp("tagged")
    return [[tagged(folder / f"{number}-{seed}.h5", [checkpoint], songs)[0] for seed, checkpoint in enumerate(seeds)]
            for number, songs in enumerate((tree / "msd", snapshot))]


@pytest.mark.parametrize("ranks", [None, 3])
def test_predict_says_the_mean(tree, snapshot, seeds, tagged_alone, tmp_path, ranks):
    for alone, songs in zip(tagged_alone, (tree / "msd", snapshot)):
        together, said = tagged(tmp_path / f"{songs.name}.tags.h5", seeds, songs, ranks=ranks)
        assert together.tobytes() == averaged(alone).tobytes()
        assert all(str(checkpoint) in said for checkpoint in seeds)


def judged(snapshot, out, checkpoints, *options, ranks=None):
    told = program.succeed("evaluate", *several(checkpoints), "--data", snapshot, "--threads", 1, "--json", "--resamples", 100,
                           "--predictions", out, *options, ranks=ranks).output
    with h5py.File(out) as file:
        return json.loads(told), file["songs/probabilities"][:], [text.decode() for text in file["songs/track_id"][:]]


@pytest.fixture(scope="module")
def judged_alone(snapshot, seeds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    return [judged(snapshot, folder / f"{number}.h5", [checkpoint]) for number, checkpoint in enumerate(seeds)]


@pytest.mark.parametrize("ranks", [None, 3])
def test_evaluate_judges_the_mean(snapshot, seeds, judged_alone, tmp_path, ranks):
    alone = judged_alone
    told, probabilities, songs = judged(snapshot, tmp_path / "all.h5", seeds, ranks=ranks)
    assert all(found[2] == songs for found in alone)
    assert probabilities.tobytes() == averaged([found[1] for found in alone]).tobytes()
    assert told["checkpoint"] == [str(checkpoint) for checkpoint in seeds]
    assert told["trained_on"] == 0 and told["epoch"] is None
    assert told["auc_macro"] not in {found[0]["auc_macro"] for found in alone}
    # One that has learnt from these songs makes all of it doubtful.
    learnt, _, _ = judged(snapshot, tmp_path / "training.h5", seeds, "--split", "train")
    assert learnt["trained_on"] == learnt["songs"]


def test_what_cannot_be_averaged_is_refused(snapshot, tree, files_of_tree, seeds, tmp_path):
    shorter = train(snapshot, tmp_path / "shorter", "--segments", 120)
    other = train(snapshot, tmp_path / "other", "--seed", 1, "--split", "random:0.5")
    refuse(program.run("predict", *several([seeds[0], shorter]), files_of_tree[0]), USAGE, str(shorter), "120 segments")
    refuse(program.run("predict", *several(seeds), "--embeddings", files_of_tree[0], ranks=2), USAGE, "--embeddings")
    refuse(program.run("predict", *several(seeds), "--threshold", "own", files_of_tree[0]), USAGE, "averaged")
    refuse(program.run("evaluate", *several(seeds), "--threshold", "own", "--data", snapshot), USAGE, "averaged")
    refuse(program.run("evaluate", *several([seeds[0], other]), "--data", snapshot, ranks=2), BAD_DATA, str(other), "not the same")


def test_a_file_begun_with_one_choice_of_checkpoints_does_not_go_on_with_another(tree, files_of_tree, seeds, tmp_path):
    out = tmp_path / "songs.csv"
    # A file that ends the work after some songs are done.
    bad, many = tmp_path / "TRZZZZZ128F429CF47.h5", tmp_path / "many.txt"
    bad.write_text("no song")
    many.write_text("\n".join(map(str, [*files_of_tree[:40], bad])))
    program.run("predict", *several(seeds[:2]), many, "--strict", "--out", out)
    assert (tmp_path / "songs.csv.unfinished/songs").exists()
    for others in (seeds[:1], seeds[1:], seeds[1::-1]):
        refuse(program.run("predict", *several(others), many, "--out", out), USAGE, "songs.csv.unfinished", "another checkpoint")
    program.succeed("predict", *several(seeds[:2]), many, "--out", out)
    assert not (tmp_path / "songs.csv.unfinished").exists()
    out.unlink()
    program.succeed("predict", *several(seeds[:2]), tree / "msd", "--out", out)
    whole = out.read_bytes()
    program.succeed("predict", *several(seeds[:2]), tree / "msd", "--out", out, "--resume")
    assert out.read_bytes() == whole


@pytest.fixture(scope="module")
def files_of_tree(tree):
    return sorted((tree / "msd").rglob("*.h5"), key=lambda file: file.name)
