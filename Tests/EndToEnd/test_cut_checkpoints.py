"""A checkpoint cut anywhere, or with any byte changed: never loaded as good, never a crash; the one before is used."""

import random
import re

import pytest

import checkpoints
import program

PASSED_OVER = re.compile(r"passes over a broken checkpoint: .*?/(epoch-\d+\.h5)\b.*; it is now \S+\.damaged$", re.M)


def options(snapshot, run):
    return ["train", "--data", snapshot, "--out", run, "--filters", "[20,20,20]", "--recurrent-units", 10, "--epochs", 3,
            "--batch-size", 12, "--seed", 3, "--split", "random:0.8", "--threads", 1, "--resume"]


@pytest.fixture(scope="module")
def short_run(snapshot, tmp_path_factory):
    folder = tmp_path_factory.mktemp("short") / "run"
    program.succeed(*options(snapshot, folder))
    return folder / "checkpoints"


def cuts(good, count, chance):
    lengths = {0, 1, len(good) - 1} | set(chance.sample(range(len(good)), count - 3))
    return [good[:length] for length in lengths]


def flips(good, count, chance):
    for place in chance.sample(range(len(good)), count):
        changed = bytearray(good)
        changed[place] ^= 1 << chance.randrange(8)
        yield bytes(changed)


@pytest.mark.parametrize("damage, count", [
    (cuts, 200), (flips, 70), pytest.param(flips, 500, marks=pytest.mark.long)], ids=["cut", "flipped", "flipped-often"])
def test_only_whole_checkpoints_are_gone_on_with(snapshot, short_run, tmp_path, damage, count):
    """All damaged files stand in one folder, each as a newer checkpoint than the good one."""
    folder = tmp_path / "run/checkpoints"
    folder.mkdir(parents=True)
    (folder / "epoch-0001.h5").write_bytes((short_run / "epoch-0001.h5").read_bytes())
    good = (short_run / "epoch-0002.h5").read_bytes()
    damaged = {f"epoch-{1000 + number}.h5": data for number, data in enumerate(damage(good, count, random.Random(7)))}
    for name, data in damaged.items():
        (folder / name).write_bytes(data)
    passed_over, harmless = set(), []
    while len(passed_over) + len(harmless) < len(damaged):
        outcome = program.run(*options(snapshot, tmp_path / "run"), timeout=120)
        assert outcome.code == program.DONE, str(outcome)
        assert not any(crash in outcome.errors for crash in program.CRASHES), str(outcome)
        passed_over |= set(PASSED_OVER.findall(outcome.errors))
        source, = re.findall(r"goes on from \S+/(epoch-\d+\.h5)", outcome.errors)
        if source == "epoch-0001.h5":
            break
        # A byte that carries nothing: the run ends as the undisturbed one, to the last bit.
        assert checkpoints.differences(short_run / "epoch-0003.h5", folder / "epoch-0003.h5") == []
        harmless.append(source)
        for name in (source, "epoch-0003.h5", "best.h5"):
            (folder / name).unlink(missing_ok=True)
    assert passed_over | set(harmless) == set(damaged)
    for name in passed_over:
        assert (folder / f"{name}.damaged").read_bytes() == damaged[name], "kept as it was"
    # Some three bytes in ten of a small file stand between its parts.
    assert len(passed_over) == count if damage is cuts else len(passed_over) > 0.6 * count
    assert checkpoints.differences(short_run / "epoch-0003.h5", folder / "epoch-0003.h5") == []
