"""What people stumbled over who used the program with its README alone, each once."""

import csv
import json
import os
import pty
import re
import shutil
import subprocess
import threading

import h5py
import numpy
import pytest
import sklearn.metrics

import checkpoints
import program
from program import BAD_DATA, DONE, USAGE, refuse

NETWORK = ["--filters", "[4,4,4]", "--recurrent-units", 3, "--batch-size", 12, "--threads", 1, "--seed", 3]


def train(data, out, *options, **others):
    return program.run("train", "--data", data, "--out", out, *NETWORK, *options, timeout=60, **others)


def evaluate(checkpoint, data, *options):
    outcome = program.run("evaluate", "--checkpoint", checkpoint, "--data", data, "--json", "--resamples", 0, *options)
    assert outcome.code == DONE, str(outcome)
    return json.loads(outcome.output), outcome.errors


# The command line

@pytest.mark.parametrize("words, meant", [
    (["trian", "--data", "x"], "train"), (["evalute"], "evaluate"), (["benchmark", "stp", "--json"], "step")])
def test_an_unknown_command_is_called_so(words, meant):
    refuse(program.run(*words), USAGE, "unknown command", f"did you mean {meant}?")


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_run_that_cannot_begin_leaves_no_folders(snapshot, tmp_path, ranks):
    outcome = train(snapshot, tmp_path / "runs/first", "--segments", 512, ranks=ranks)
    refuse(outcome, BAD_DATA, "512")
    assert not (tmp_path / "runs").exists()
    (tmp_path / "kept").mkdir()
    refuse(train(snapshot, tmp_path / "kept/run", "--segments", 512, ranks=ranks), BAD_DATA)
    assert os.listdir(tmp_path / "kept") == []


def test_a_run_that_cannot_begin_once_its_songs_are_read_can_take_them_again(tree, tmp_path):
    """The folders stay beside the songs that were written: they tell that the file is a run's."""
    line = ["train", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 60, "--filters", "[2,2,2]",
            "--recurrent-units", 2, "--epochs", 1, "--threads", 1, "--out", tmp_path / "run", "--resume"]
    refuse(program.run(*line, "--batch-size", 1, ranks=2), USAGE, "at most 1 ranks")
    assert (tmp_path / "run/songs.h5").exists()
    program.succeed(*line, "--batch-size", 8, ranks=2)


def test_help_of_prepare_lists_no_crop_that_it_refuses(tree, tmp_path):
    text = " ".join(program.succeed("prepare", "--help").output.split())
    crop = text[text.index("--crop <crop>"):][:150]
    assert "first" in crop and "middle" in crop and "random" not in crop
    refuse(program.run("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--crop", "random",
                       "--out", tmp_path / "s.h5"), USAGE, "--crop random", "train --segments")


# Epochs and runs

def test_the_checkpoint_of_an_epoch_says_that_epoch_everywhere(checkpoint, snapshot, run):
    told, _ = evaluate(checkpoint, snapshot)
    assert told["epoch"] == 2
    inspected = json.loads(program.succeed("inspect", checkpoint, "--json").output)["checkpoint"]
    assert inspected["epoch"] == 2
    assert "finished" in (text := program.succeed("inspect", checkpoint).output) and "epoch 2, after step" in text
    with h5py.File(checkpoint) as file:
        assert file["integers/epoch"][()] == 2 and file["integers/next_epoch"][()] == 3


def test_inspect_knows_a_run(run):
    told = json.loads(program.succeed("inspect", run, "--json").output)
    assert told["kind"] == "run" and told["epoch"] == told["epochs"] == 2
    assert told["configuration"]["batch_size"] == 12 and told["configuration"]["model"] == "small"
    assert told["checkpoints"] == sorted(told["checkpoints"]) and "epoch-0002.h5" in told["checkpoints"]
    assert [line["epoch"] for line in told["history"]] == [1, 2]
    text = program.succeed("inspect", run).output
    assert "a run" in text and "2 of 2 epochs" in text


def test_resume_alone_takes_the_runs_own_options_from_any_folder(snapshot, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.copy(snapshot, folder / "songs.h5")
    program.succeed("split", "--data", "songs.h5", "--split", "random:0.8", "--out", "lists", folder=folder)
    lists = ["lists.train.txt", "lists.validation.txt"]
    assert train("songs.h5", "run", "--epochs", 1, "--split", f"track-lists:{','.join(lists)}", folder=folder).code == DONE
    (tmp_path / "there").mkdir()
    outcome = program.run("train", "--out", "../here/run", "--resume", "--epochs", 2, folder=tmp_path / "there")
    assert outcome.code == DONE, str(outcome)
    assert [line["epoch"] for line in checkpoints.metrics(folder / "run", "epoch")] == [1, 2]
    lists = ",".join(str(folder / name) for name in lists)
    whole = train(snapshot, tmp_path / "whole", "--epochs", 2, "--split", f"track-lists:{lists}")
    assert whole.code == DONE
    assert not checkpoints.differences(tmp_path / "whole/checkpoints/epoch-0002.h5", folder / "run/checkpoints/epoch-0002.h5")


def test_what_is_monitored_decides_the_best_and_when_to_end(snapshot, tmp_path):
    outcome = train(snapshot, tmp_path / "run", "--epochs", 8, "--monitor", "val_loss", "--early-stop", 2,
                    "--learning-rate", 0.3, "--split", "random:0.8")
    assert outcome.code == DONE, str(outcome)
    losses = [line["val_loss"] for line in checkpoints.metrics(tmp_path / "run", "epoch")]
    best = losses.index(min(losses))
    with h5py.File(tmp_path / "run/checkpoints/best.h5") as file:
        assert file["integers/best_epoch"][()] == file["integers/epoch"][()] == best + 1
    assert len(losses) == best + 3 < 8, losses
    assert "ends early" in outcome.errors
    again = program.run("train", "--out", tmp_path / "run", "--resume")
    assert again.code == DONE and len(checkpoints.metrics(tmp_path / "run", "epoch")) == len(losses), str(again)
    refuse(train(snapshot, tmp_path / "other", "--monitor", "accuracy"), USAGE, "--monitor", "val_auc_macro")


# Splits

def test_the_start_tells_where_the_split_comes_from(tree, snapshot, tmp_path):
    def told(data, name, *options):
        outcome = train(data, tmp_path / name, "--epochs", 1, *options)
        assert outcome.code == DONE, str(outcome)
        start, = checkpoints.metrics(tmp_path / name, "start")
        line = next(line for line in outcome.errors.splitlines() if line.startswith("split: "))
        return line, [start[key] for key in ("split", "split_from", "split_seed", "split_seed_from")]

    assert told(snapshot, "default") == ("split: random:0.95 (the default), seed 3 (--seed)",
                                         ["random:0.95", "default", 3, "seed"])
    assert told(snapshot, "given", "--split", "artist:0.8/0.2", "--split-seed", 7) == (
        "split: artist:0.8 (--split), seed 7 (--split-seed)", ["artist:0.8", "split", 7, "split_seed"])
    kept = tmp_path / "kept.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--split",
                    "artist:0.8/0.2", "--seed", 5, "--out", kept)
    line, start = told(kept, "kept")
    assert "kept by the data" in line and "seed 5" in line and start == ["artist:0.8", "snapshot", 5, "snapshot"]


def test_the_sides_of_a_split_are_written_as_lists_that_train_reads(snapshot, tmp_path):
    program.succeed("split", "--data", snapshot, "--split", "artist:0.6/0.2/0.2", "--seed", 4, "--out", tmp_path / "four")
    lists = [tmp_path / f"four.{side}.txt" for side in ("train", "validation", "test")]
    ids = [file.read_text().split() for file in lists]
    with h5py.File(snapshot) as file:
        everybody = [text.decode() for text in file["songs/track_id"][:]]
    assert sorted(sum(ids, [])) == sorted(everybody) and all(ids)
    by_rule = train(snapshot, tmp_path / "rule", "--epochs", 1, "--split", "artist:0.6/0.2/0.2", "--split-seed", 4)
    by_list = train(snapshot, tmp_path / "list", "--epochs", 1, "--split", "track-lists:" + ",".join(map(str, lists)))
    assert by_rule.code == by_list.code == DONE, f"{by_rule}{by_list}"
    assert not checkpoints.differences(*(tmp_path / name / "checkpoints/epoch-0001.h5" for name in ("rule", "list")))
    refuse(program.run("split", "--data", snapshot, "--out", tmp_path / "four"), USAGE, "four.train.txt", "--force")
    program.succeed("split", "--run", tmp_path / "rule", "--out", tmp_path / "again")
    assert [(tmp_path / f"again.{side}.txt").read_text().split() for side in ("train", "validation", "test")] == ids
    program.succeed("split", "--run", tmp_path / "rule", "--artists", "--out", tmp_path / "artists")
    assert (tmp_path / "artists.train.txt").read_text().startswith("AR")


# Evaluation

def test_songs_that_were_trained_on_are_counted_and_flagged(tree, run, checkpoint, snapshot, tmp_path):
    told, errors = evaluate(checkpoint, snapshot)
    assert told["trained_on"] == 0 and "warning" not in errors
    assert (told["checkpoint"], told["data"]) == (str(checkpoint), str(snapshot))
    assert (told["split_rule"], told["split_seed"], told["split"]) == ("random:0.8", 3, "validation")
    # Another division of the same songs.
    other, errors = evaluate(checkpoint, snapshot, "--allow-other-data", "--split-rule", "artist:0.5/0.5")
    assert 0 < other["trained_on"] <= other["songs"]
    assert f"warning: {other['trained_on']} of the {other['songs']} songs judged were trained on" in errors
    # Other data, with some songs of old.
    longer = tmp_path / "longer.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 400, "--out", longer)
    other, errors = evaluate(checkpoint, longer, "--allow-other-data", "--split", "all")
    training, _ = evaluate(checkpoint, snapshot, "--split", "train", "--min-segments", 400)
    assert other["trained_on"] == training["songs"] == training["trained_on"]
    assert evaluate(checkpoint, snapshot, "--split", "train")[0]["trained_on"] > training["songs"]


def test_models_of_unlike_lengths_are_judged_by_the_same_songs(tree, snapshot, checkpoint, tmp_path):
    judged, _ = evaluate(checkpoint, snapshot, "--split", "all", "--min-segments", 400, "--predictions", tmp_path / "p.h5")
    with h5py.File(snapshot) as songs, h5py.File(tmp_path / "p.h5") as found:
        long = songs["songs/track_id"][:][songs["songs/segment_count"][:] >= 400]
        assert 0 < len(long) < len(songs["songs/track_id"])
        assert numpy.array_equal(found["songs/track_id"][:], long)
    refuse(program.run("evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--min-segments", 100_000), BAD_DATA,
           "100000")


def test_f1_and_precision_at_k_are_scikit_learns(snapshot, checkpoint, tmp_path):
    told, _ = evaluate(checkpoint, snapshot, "--split", "all", "--threshold", 0.4, "--predictions", tmp_path / "p.h5",
                       "--table", tmp_path / "tags.csv", "--resamples", 200)
    with h5py.File(tmp_path / "p.h5") as file:
        labels, found = file["songs/labels"][:], file["songs/probabilities"][:]
    said = found >= numpy.float32(0.4)
    there = labels.any(axis=0)
    assert told["f1_micro"] == pytest.approx(sklearn.metrics.f1_score(labels, said, average="micro", zero_division=0))
    assert told["f1_macro"] == pytest.approx(
        sklearn.metrics.f1_score(labels[:, there], said[:, there], average="macro", zero_division=0))
    for k in (1, 5, 10):
        first = numpy.argsort(-found, axis=1, kind="stable")[:, :k]
        right = numpy.take_along_axis(labels, first, axis=1)[labels.any(axis=1)]
        assert told["precision_at"][str(k)] == pytest.approx(right.mean())
    with open(tmp_path / "tags.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tag"] for row in rows] == [tag["tag"] for tag in told["tags"]]
    for row, tag in zip(rows, told["tags"]):
        for name in ("auc", "pr_auc", "f1", "precision", "recall", "positives", "artists"):
            assert row[name] == ("" if tag[name] is None else str(tag[name])) or float(row[name]) == tag[name], (name, row)
        assert row["auc_lower"] == "" or float(row["auc_lower"]) == tag["auc_interval"][0]
    (tmp_path / "mine.csv").write_text("my,own\n")
    refuse(program.run("evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--table", tmp_path / "mine.csv"), USAGE,
           "mine.csv", "left as it is")


# Words

def test_one_song_is_one_song(tree, tmp_path):
    """A snapshot of whole songs of which a run leaves out one."""
    whole = tmp_path / "whole.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--out", whole)
    with h5py.File(whole) as file:
        counts = numpy.sort(numpy.diff(file["songs/start"][:]))
    assert counts[1] > counts[0]
    outcome = train(whole, tmp_path / "run", "--epochs", 1, "--segments", int(counts[1]))
    assert f"left out 1 song with fewer than {counts[1]} segments" in outcome.errors, str(outcome)


SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Their keys are names of other things.
FREE = {"precision_at", "encodings", "memory"}


def keys(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in FREE:
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_json_is_of_one_style(tree, snapshot, run, checkpoint):
    config = program.ROOT / "configs/small-252.yaml"
    track = max((tree / "msd").rglob("*.h5"), key=lambda file: file.stat().st_size)
    for line in (["inspect", snapshot], ["inspect", checkpoint], ["inspect", run], ["inspect", config], ["inspect", track],
                 ["inspect", tree / "msd", "--lastfm", tree / "lastfm"], ["inspect", tree / "lastfm"],
                 ["evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--resamples", 200],
                 ["predict", "--checkpoint", checkpoint, track],
                 ["benchmark", "step", "--segments", 60, "--batch-size", 2, "--threads", 1]):
        document = json.loads(program.succeed(*line, "--json").output)
        odd = [key for key in keys(document) if not SNAKE.fullmatch(key)]
        assert not odd, (line, odd)
    assert isinstance(json.loads(program.succeed("inspect", checkpoint, "--json").output)["checkpoint"]["configuration"], dict)


# The live line

def on_a_terminal(*arguments, ranks=None, columns=100):
    """What the program draws on a terminal of its own."""
    master, slave = pty.openpty()
    os.set_blocking(master, True)
    subprocess.run(["stty", "cols", str(columns), "rows", "40"], stdin=slave, check=True)
    process = subprocess.Popen(program.command(arguments, ranks), stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=program.environment(), start_new_session=True)
    os.close(slave)
    drawn = []

    def read():
        try:
            while piece := os.read(master, 65536):
                drawn.append(piece)
        except OSError:
            pass  # The other end is gone.

    reader = threading.Thread(target=read)
    reader.start()
    code = process.wait(timeout=120)
    reader.join(timeout=10)
    os.close(master)
    return code, b"".join(drawn).decode()


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_terminal_has_a_live_line_under_mpirun_too(snapshot, tmp_path, ranks):
    code, drawn = on_a_terminal("train", "--data", snapshot, "--out", tmp_path / "run", "--model", "large", "--threads", 1,
                                "--batch-size", 2, "--epochs", 1, ranks=ranks)
    assert code == DONE, drawn
    live = [line.split("\x1b")[0] for line in drawn.replace("\n", "\r").split("\r") if line.startswith("epoch 1/1 [")]
    assert live and all(len(line) <= 100 for line in live), drawn
    assert re.search(r"epoch 1/1 \[[█·]+\] step \d+/\d+  loss \d\.\d+  \d+ songs/s  \d+:\d\d left, run \d+:\d\d", live[-1]), live


def test_the_live_line_is_had_and_done_without_at_will(snapshot, tmp_path):
    outcome = train(snapshot, tmp_path / "live", "--epochs", 1, "--batch-size", 2, "--progress")
    assert outcome.code == DONE and "\x1b[K" in outcome.errors, str(outcome)
    code, drawn = on_a_terminal("train", "--data", snapshot, "--out", tmp_path / "plain", *NETWORK, "--epochs", 1,
                                "--batch-size", 2, "--no-progress")
    assert code == DONE and "\x1b[K" not in drawn, drawn


def test_predict_and_evaluate_tell_how_far_they_are(tree, snapshot, checkpoint, tmp_path):
    code, drawn = on_a_terminal("predict", "--checkpoint", checkpoint, tree / "msd", "--out", tmp_path / "t.csv", ranks=2)
    assert code == DONE and "judging songs: 120 of 120" in drawn, drawn
    code, drawn = on_a_terminal("evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--resamples", 0)
    assert code == DONE and "judging songs: " in drawn, drawn
    quiet = program.succeed("evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--resamples", 0)
    assert quiet.errors == "", str(quiet)
