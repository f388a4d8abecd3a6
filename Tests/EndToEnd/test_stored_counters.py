"""Counters that no run can have, in a checkpoint whose checksum is right: one clear line, never a trap or a hang."""

import pytest

import changed_checkpoints
import program

LEAST, MOST = -2**63, 2**63 - 1
COUNTERS = [(f"integers/{name}", value) for name in ("epoch", "step", "position", "optimizer_steps", "best_epoch")
            for value in (-1, LEAST, MOST)]
NUMBERS = [("numbers/loss_sum", value) for value in (-1.0, float("inf"), float("-inf"), float("nan"), 1e308)] + [
    ("numbers/best_validation_auc", value) for value in (-1.0, float("inf"), float("-inf"), 1e308)] + [
    ("decisions/thresholds", value) for value in (-0.5, 1.5, float("nan"))]


def train(snapshot, out, *options):
    return ["train", "--data", snapshot, "--out", out, "--filters", "[4,4,4]", "--recurrent-units", 3, "--batch-size", 12,
            "--threads", 1, *options]


@pytest.fixture(scope="module")
def good(snapshot, tmp_path_factory):
    """The newest checkpoint of a run that has an epoch behind it and one before it."""
    folder = tmp_path_factory.mktemp("counters") / "run"
    program.succeed(*train(snapshot, folder, "--epochs", 1))
    return folder / "checkpoints/epoch-0001.h5"


def resumed(snapshot, good, folder, values, ranks=None):
    """Goes on from a checkpoint with other values, the only one of its run."""
    (folder / "run/checkpoints").mkdir(parents=True)
    path = changed_checkpoints.changed(good, folder / "run/checkpoints/epoch-0001.h5", values)
    before = path.read_bytes()
    outcome = program.run(*train(snapshot, folder / "run", "--epochs", 2, "--resume"), ranks=ranks)
    assert path.read_bytes() == before, str(outcome)
    return outcome


def test_the_checkpoint_with_the_values_it_had_is_gone_on_with(snapshot, good, tmp_path):
    assert resumed(snapshot, good, tmp_path, {"integers/epoch": 1, "integers/next_epoch": 2}).code == program.DONE


def test_no_run_goes_on_from_a_counter_that_cannot_be(snapshot, good, tmp_path):
    for number, (name, value) in enumerate(COUNTERS + NUMBERS):
        outcome = resumed(snapshot, good, tmp_path / str(number), {name: value})
        program.refuse(outcome, program.BAD_DATA, "epoch-0001.h5", name.split("/")[1], "expected")


@pytest.mark.parametrize("name, value", [
    ("integers/epoch", MOST), ("integers/position", LEAST), ("numbers/loss_sum", float("nan"))])
def test_three_ranks_end_together(snapshot, good, tmp_path, name, value):
    outcome = resumed(snapshot, good, tmp_path, {name: value}, ranks=3)
    program.refuse(outcome, program.BAD_DATA, "epoch-0001.h5", name.split("/")[1], "expected")


def test_other_commands_refuse_what_no_run_can_have(snapshot, good, tree, tmp_path):
    track = next((tree / "msd").rglob("*.h5"))
    for number, (name, value) in enumerate(COUNTERS + NUMBERS):
        path = changed_checkpoints.changed(good, tmp_path / f"{number}.h5", {name: value})
        command = [["inspect", path, "--json"], ["evaluate", "--checkpoint", path, "--data", snapshot, "--json"],
                   ["predict", "--checkpoint", path, track]][number % 3]
        program.refuse(program.run(*command), program.BAD_DATA, path.name, name.split("/")[1], "expected")


@pytest.mark.parametrize("ranks, seed", [(None, LEAST), (None, -1), (3, MOST)])
def test_any_seed_is_one(snapshot, good, tmp_path, ranks, seed):
    """A seed has 64 bits without a sign; the checkpoint's number is the same bits."""
    outcome = resumed(snapshot, good, tmp_path, {"integers/seed": seed}, ranks=ranks)
    assert outcome.code == program.DONE, str(outcome)
    program.succeed("inspect", tmp_path / "run/checkpoints/epoch-0001.h5")


def test_no_best_epoch_is_legal_and_half_of_one_is_not(snapshot, good, tmp_path):
    none = {"numbers/best_validation_auc": float("nan"), "integers/best_epoch": 0}
    assert resumed(snapshot, good, tmp_path / "none", none).code == program.DONE
    half = {"numbers/best_validation_auc": float("nan")}
    program.refuse(resumed(snapshot, good, tmp_path / "half", half), program.BAD_DATA, "best_epoch", "best_validation_auc")
