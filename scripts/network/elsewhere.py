"""What this shares with the tests, which make the same nodes, and with the other benchmarks."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "Tests/EndToEnd"), str(ROOT / "scripts/peers")]

import measured  # noqa: E402, F401
import nodes  # noqa: E402, F401
