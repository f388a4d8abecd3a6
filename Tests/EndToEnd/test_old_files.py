"""What an earlier crnn-dist has written is still read, judged alike and gone on with. old_files/make made the files."""

import json
import shutil
from pathlib import Path

import pytest

import checkpoints
import program

FILES = Path(__file__).parent / "old_files"
SNAPSHOT = FILES / "songs.h5"
CHECKPOINT = FILES / "epoch-0002.h5"


def test_an_old_snapshot_is_told():
    told = json.loads(program.succeed("inspect", SNAPSHOT, "--json").output)
    assert told["songs"] == 32
    assert told["segments"] == 60
    assert len(told["tags"]) == 50


def test_an_old_checkpoint_is_told():
    told = json.loads(program.succeed("inspect", CHECKPOINT, "--json").output)
    assert told["checkpoint"]["step"] == 8
    assert [line["epoch"] for line in told["checkpoint"]["history"]] == [1, 2]


@pytest.mark.parametrize("ranks", [None, 2])
def test_an_old_checkpoint_has_its_metrics(ranks):
    recorded = json.loads((FILES / "evaluation.json").read_text())
    now = json.loads(program.succeed("evaluate", "--checkpoint", CHECKPOINT, "--data", SNAPSHOT, "--split", "all",
                                     "--threads", 1, "--json", ranks=ranks).output)
    assert now["songs"] == recorded["songs"]
    for name in ("loss", "auc_macro", "auc_micro", "auc_keras", "pr_auc_macro"):
        assert now[name] == pytest.approx(recorded[name], abs=1e-6), name
    by_tag = {tag["tag"]: tag for tag in now["tags"]}
    assert len(recorded["tags"]) == len(by_tag) == 50
    for tag in recorded["tags"]:
        assert by_tag[tag["tag"]]["auc"] == pytest.approx(tag["auc"], abs=1e-6), tag["tag"]


@pytest.mark.parametrize("ranks", [None, 2])
def test_an_old_run_goes_on(tmp_path, ranks):
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    shutil.copy(CHECKPOINT, tmp_path / "run/checkpoints")
    program.succeed("train", "--data", SNAPSHOT, "--out", tmp_path / "run", "--filters", "[6,8,10]", "--recurrent-units", 5,
                    "--batch-size", 5, "--seed", 4, "--threads", 1, "--epochs", 3, "--resume", ranks=ranks)
    resumed, = checkpoints.metrics(tmp_path / "run", "resume")
    assert resumed["step"] == 8
    # The lines of the epochs before come from the checkpoint.
    assert [line["epoch"] for line in checkpoints.metrics(tmp_path / "run", "epoch")] == [1, 2, 3]
    assert (tmp_path / "run/checkpoints/epoch-0003.h5").is_file()
