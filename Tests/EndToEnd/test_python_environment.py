"""Scripts in Python make their environments themselves: once, however many want it, and anew where that was interrupted."""

import shutil
import subprocess

import pytest

from program import ROOT, environment


@pytest.fixture
def scripts(tmp_path):
    """A script with its folder, and a `python3` that takes its time and tells in `made` what it is asked for."""
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/requirements.txt").write_text("h5py==3.14.0\n")
    shutil.copy(ROOT / "scripts/python-environment", tmp_path)
    (tmp_path / "draw").write_text(
        '#!/usr/bin/env bash\nset -euo pipefail\n. "$(dirname "$0")/python-environment" plots\n"$python" draw\n')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").write_text(f"""#!/bin/sh
echo "python3 $1 $2 $3" >>{tmp_path}/made
[ "$1" = -m ] || exit 0
sleep 0.5
mkdir -p "$4/bin"
printf '#!/bin/sh\\necho "$1 $2 $3" >>{tmp_path}/made\\n' >"$4/bin/python"
chmod +x "$4/bin/python"
""")
    (tmp_path / "bin/python3").chmod(0o755)
    return tmp_path


def start(scripts, **variables):
    return subprocess.Popen(["bash", scripts / "draw"], text=True, stderr=subprocess.PIPE, env=environment(
        PATH=f"{scripts}/bin:{environment()['PATH']}", **variables))


def asked(scripts, line):
    return (scripts / "made").read_text().splitlines().count(line)


def test_several_at_once_make_one_environment(scripts):
    for process in [start(scripts) for _ in range(4)]:
        assert process.wait(30) == 0, process.stderr.read()
    assert asked(scripts, "python3 -m venv --clear") == asked(scripts, "-m pip install") == 1
    assert asked(scripts, "draw  ") == 4


def test_an_environment_that_was_left_half_made_is_made_anew(scripts):
    half = scripts / "plots/.venv/bin/python"
    half.parent.mkdir(parents=True)
    half.write_text('#!/bin/sh\necho "no module named pip" >&2\nexit 1\n')
    half.chmod(0o755)
    process = start(scripts)
    assert process.wait(30) == 0, process.stderr.read()
    assert asked(scripts, "python3 -m venv --clear") == asked(scripts, "-m pip install") == asked(scripts, "draw  ") == 1


def test_a_python_that_has_the_packages_is_taken_instead(scripts):
    own = scripts / "own"
    own.write_text(f'#!/bin/sh\necho "own $1" >>{scripts}/made\n')
    own.chmod(0o755)
    process = start(scripts, CRNN_DIST_PYTHON=own)
    assert process.wait(30) == 0, process.stderr.read()
    assert (scripts / "made").read_text() == "own draw\n"
    assert not (scripts / "plots/.venv").exists()
