"""The Python of the tests (.venv), for scripts that need a package of theirs."""

import importlib.util
import os
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venv"


def bring(package):
    """Starts the script anew by that Python where this one lacks the package."""
    if importlib.util.find_spec(package) is not None:
        return
    python = ENVIRONMENT / "bin/python"
    if Path(sys.prefix) == ENVIRONMENT or not python.exists():
        sys.exit(f"scripts/{Path(sys.argv[0]).name}: {package} is missing; run scripts/install-dependencies --tests first")
    os.execv(python, [python, *sys.argv])
