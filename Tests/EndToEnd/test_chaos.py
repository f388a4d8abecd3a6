"""Runs disturbed at random moments end as the undisturbed one. `scripts/chaos` says how, and does more of it."""

import subprocess
import sys

import pytest

import program


def case(kills, seed, sizes, name):
    """With nothing to share, each may go to a worker of its own."""
    return pytest.param(kills, seed, sizes, id=name, marks=pytest.mark.xdist_group(f"test_chaos.py {name}"))


@pytest.mark.parametrize("kills, seed, sizes", [case(10, 3, "3", "three-ranks"), case(5, 4, "3,2,4,1", "changing-ranks")])
def test_chaos(tmp_path, kills, seed, sizes):
    (tmp_path / "mine.txt").write_text("")
    outcome = subprocess.run(
        [sys.executable, program.ROOT / "scripts/chaos", "--kills", str(kills), "--seed", str(seed), "--world-sizes", sizes,
         "--folder", tmp_path], env=program.environment(), text=True, capture_output=True, timeout=600)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert f"{kills} disturbances" in outcome.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"], "it removes what it has made, and nothing else"
