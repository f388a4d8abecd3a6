"""Runs disturbed at random moments end as the undisturbed one. `scripts/chaos` says how, and does more of it."""

import subprocess
import sys

import pytest

import program


@pytest.mark.parametrize("kills, seed, sizes", [(10, 3, "3"), (5, 4, "3,2,4,1")], ids=["three-ranks", "changing-ranks"])
def test_chaos(tmp_path, kills, seed, sizes):
    outcome = subprocess.run(
        [sys.executable, program.ROOT / "scripts/chaos", "--kills", str(kills), "--seed", str(seed), "--world-sizes", sizes,
         "--folder", tmp_path], env=program.environment(), text=True, capture_output=True, timeout=600)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert f"{kills} disturbances" in outcome.stdout
