"""Training is the same job for any number of ranks, repeats bit for bit, and learns."""

import json

import pytest

import checkpoints
import program

WORLDS = [1, 3]  # test_many_ranks.py has the others


def song_lists(snapshot, folder):
    """Split files with exactly 37 songs to train on, the others to validate with."""
    songs = [name.decode() for name in checkpoints.arrays(snapshot)["songs/track_id"]]
    assert len(songs) > 45
    (folder / "train.txt").write_text("\n".join(songs[:37]) + "\n")
    (folder / "validation.txt").write_text("\n".join(songs[37:]) + "\n")
    return f"files:{folder}/train.txt,{folder}/validation.txt"


def train(snapshot, run, *options, ranks=None, **other):
    return program.succeed("train", "--data", snapshot, "--out", run, "--threads", 1, *options, ranks=ranks, **other)


# Sizes that divide neither by the batch nor by the ranks: 37 songs, global batches of 12, the last one of 1.

# What a song adds to a gradient does not depend on its rank, and songs are added in double precision: what is left of
# the number of ranks is far below the rounding of a weight.
@pytest.fixture(scope="module")
def parity_options(snapshot, tmp_path_factory):
    split = song_lists(snapshot, tmp_path_factory.mktemp("split"))
    return ["--model", "small", "--batch-size", 12, "--seed", 1, "--batch-norm", "sync", "--log-every", 1,
            "--split", split, "--epochs", 8]


@pytest.fixture(scope="module")
def losses_alone(snapshot, parity_options, tmp_path_factory):
    run = tmp_path_factory.mktemp("parity") / "alone"
    train(snapshot, run, *parity_options)
    return losses_of(run)


def losses_of(run):
    steps = checkpoints.metrics(run, "step")
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    assert max(step["epoch"] for step in steps) == 8
    assert len(steps) == 8 * 4, "37 songs in batches of 12 are four steps an epoch"
    return [step["loss"] for step in steps][:30]


@pytest.mark.parametrize("ranks", WORLDS)
def test_step_losses_do_not_depend_on_the_number_of_ranks(
        snapshot, parity_options, losses_alone, tmp_path, ranks):
    train(snapshot, tmp_path / "run", *parity_options, ranks=ranks)
    worst = max(abs(ours - alone) / abs(alone) for ours, alone in zip(losses_of(tmp_path / "run"), losses_alone))
    assert worst <= 1e-9
    assert losses_alone[-1] < losses_alone[0], "something was learned, so the comparison means something"


def test_local_batch_norm_is_another_computation(snapshot, parity_options, losses_alone, tmp_path):
    """The comparison above can fail: with statistics of each rank's own songs it does."""
    train(snapshot, tmp_path / "run", *parity_options, "--batch-norm", "local", ranks=3)
    unlike = [abs(ours - alone) / abs(alone) for ours, alone in zip(losses_of(tmp_path / "run"), losses_alone)]
    assert max(unlike) > 1e-4


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_same_line_twice_gives_bit_identical_checkpoints(snapshot, tmp_path, ranks):
    for name in ("first", "second"):
        train(snapshot, tmp_path / name, "--model", "small", "--batch-size", 10, "--epochs", 2, "--seed", 5,
              ranks=ranks)
    for epoch in ("epoch-0001.h5", "epoch-0002.h5"):
        assert checkpoints.differences(
            tmp_path / "first/checkpoints" / epoch, tmp_path / "second/checkpoints" / epoch) == []
    # Training moved the weights: the files differ from one epoch to the next.
    assert checkpoints.differences(
        tmp_path / "first/checkpoints/epoch-0001.h5", tmp_path / "first/checkpoints/epoch-0002.h5")


def test_another_seed_gives_other_weights(snapshot, run, tmp_path):
    train(snapshot, tmp_path / "run", "--model", "small", "--batch-size", 12, "--epochs", 1, "--seed", 4,
          "--split", "random:0.8", ranks=2)
    assert checkpoints.differences(
        tmp_path / "run/checkpoints/epoch-0001.h5", run / "checkpoints/epoch-0001.h5")


# The files of a run

EPOCH_FIELDS = {"event", "epoch", "step", "train_loss", "train_auc", "val_loss", "val_auc_macro", "val_auc_micro",
                "val_pr_auc_macro", "val_auc_keras", "songs_per_second", "epoch_seconds", "world_size"}


def test_a_run_leaves_the_promised_files(run):
    epochs = checkpoints.metrics(run, "epoch")
    assert [line["epoch"] for line in epochs] == [1, 2]
    for line in epochs:
        assert EPOCH_FIELDS <= line.keys()
        assert line["world_size"] == 2
    assert len(checkpoints.metrics(run, "start")) == 1
    assert (run / "config.yaml").stat().st_size > 0
    for name in ("epoch-0001.h5", "epoch-0002.h5", "best.h5"):
        assert (run / "checkpoints" / name).is_file()
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))
    # Nothing half-written is left behind.
    assert {file.name for file in (run / "checkpoints").iterdir()} == {
        "epoch-0001.h5", "epoch-0002.h5", "best.h5"}


def test_the_saved_configuration_repeats_the_run(run, snapshot, tmp_path):
    program.succeed("train", "--config", run / "config.yaml", "--data", snapshot, "--out", tmp_path / "again", ranks=2)
    assert checkpoints.differences(
        run / "checkpoints/epoch-0002.h5", tmp_path / "again/checkpoints/epoch-0002.h5") == []


def test_a_tree_trains_like_its_snapshot(tree, run, tmp_path):
    program.succeed("train", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252,
                    "--out", tmp_path / "run", "--model", "small", "--epochs", 2, "--batch-size", 12, "--seed", 3,
                    "--split", "random:0.8", "--threads", 1, ranks=2)
    assert checkpoints.differences(
        run / "checkpoints/epoch-0002.h5", tmp_path / "run/checkpoints/epoch-0002.h5") == []


# Using a checkpoint

@pytest.mark.parametrize("ranks", [None, 3])
def test_evaluate_repeats_the_validation_metrics_of_training(run, snapshot, ranks):
    last = checkpoints.metrics(run, "epoch")[-1]
    told = json.loads(program.succeed(
        "evaluate", "--checkpoint", run / "checkpoints/epoch-0002.h5", "--data", snapshot, "--split", "validation",
        "--json", ranks=ranks).output)
    for name in ("loss", "auc_macro", "auc_micro", "pr_auc_macro", "auc_keras"):
        assert told[name] == last[f"val_{name}"], name
    assert len(told["tags"]) == 50


def test_predict_ranks_tags_with_probabilities(run, tree):
    files = sorted((tree / "msd").rglob("*.h5"), key=lambda file: -file.stat().st_size)[:2]
    outcome = program.succeed("predict", "--checkpoint", run / "checkpoints/best.h5", *files, "--top", 3)
    for file in files:
        assert file.stem in outcome.output
    told = json.loads(program.succeed(
        "predict", "--checkpoint", run / "checkpoints/best.h5", *files, "--top", 3, "--json").output)
    assert len(told) == 2
    for file, song in zip(files, told):
        assert song["file"] == str(file)
        probabilities = [tag["probability"] for tag in song["tags"]]
        assert len(probabilities) == 3 and probabilities == sorted(probabilities, reverse=True)
        assert all(0 <= probability <= 1 for probability in probabilities)


# Learning

def best_possible(tree, printed):
    """The best macro AUC that any model could reach, as synthesize prints it and keeps it."""
    best = json.loads((tree / "synthesis.json").read_text())["best"]["macro_auc"]
    assert f"macro {best:.4f}" in printed
    return best


def learned(folder, songs, epochs, batch_size, *options):
    made = program.succeed("synthesize", "--out", folder / "tree", "--songs", songs, "--seed", 1, *options,
                           ranks=2, timeout=600)
    program.succeed("prepare", "--msd", folder / "tree/msd", "--lastfm", folder / "tree/lastfm", "--segments", 252,
                    "--out", folder / "songs.h5", ranks=2, timeout=600)
    train(folder / "songs.h5", folder / "run", "--model", "small", "--batch-size", batch_size, "--epochs", epochs,
          "--split", "random:0.8", "--seed", 1, ranks=2, timeout=1200)
    aucs = [line["val_auc_macro"] for line in checkpoints.metrics(folder / "run", "epoch")]
    return aucs, best_possible(folder / "tree", made.output)


def test_a_small_tree_is_learned_at_all(tmp_path):
    aucs, best = learned(tmp_path, 500, 25, 8)
    assert 0.55 < best <= 1
    assert max(aucs) > 0.5 + 0.5 * (best - 0.5), (aucs, best)


@pytest.mark.long
def test_two_thousand_songs_are_learned_nearly_as_well_as_possible(tmp_path):
    aucs, best = learned(tmp_path, 2000, 40, 32)
    assert max(aucs) >= 0.5 + 0.9 * (best - 0.5), (aucs, best)


@pytest.mark.long
def test_permuted_tags_teach_nothing(tmp_path):
    aucs, _ = learned(tmp_path, 2000, 15, 32, "--permute-tags")
    assert 0.47 <= aucs[-1] <= 0.53, aucs


def test_real_songs_train_and_predict(real_data, tmp_path):
    program.succeed("prepare", "--msd", real_data / "msd", "--lastfm", real_data / "lastfm", "--segments", 252,
                    "--out", tmp_path / "songs.h5", ranks=3)
    train(tmp_path / "songs.h5", tmp_path / "run", "--model", "small", "--epochs", 1, "--batch-size", 32, ranks=2)
    file = sorted((real_data / "msd").rglob("*.h5"), key=lambda file: -file.stat().st_size)[0]
    outcome = program.succeed("predict", "--checkpoint", tmp_path / "run/checkpoints/best.h5", file)
    assert file.stem in outcome.output
