"""What the documentation says of the program is what the program says, and its pages lead to one another."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from program import BINARY, ROOT, USAGE, environment


def test_the_page_of_options_is_what_the_program_says():
    outcome = subprocess.run([ROOT / "scripts/options", "--check"], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr


def test_the_site_is_made_without_a_broken_link():
    outcome = subprocess.run([ROOT / "scripts/documentation"], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (ROOT / ".build/site/options/index.html").exists()


# Lines of a page that a test cannot run: what needs the network, a cluster or hours, or never ends.
LEFT_OUT = ("scripts/build", "export PATH", "tar xf", "unzip", "sbatch", "scripts/paper", "sudo", "board/bin/tensorboard")


def copied(text):
    """A page's lines for a shell, as somebody copies them, but for how long they train and on how many ranks."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", "").splitlines()
    kept = [line for line in lines if line and "python3 -m venv" not in line and not line.startswith(LEFT_OUT)]
    return [re.sub(r"(crnn-dist train .*?)( --epochs \d+)?( --out)", r"\1 --epochs 3\3", line).replace("-np 4", "-np 2")
            for line in kept]


def stand_in_a_clone(folder, tree):
    """What such a person has around: the program, its scripts, the synthetic data set under the real one's name, and what
    `python3 -m venv` and pip would make."""
    for source, name in ((tree / "msd", "MillionSongSubset"), (tree / "lastfm", "lastfm_subset")):
        shutil.copytree(source, folder / name, copy_function=os.link)
    (folder / "bin").mkdir()
    (folder / "bin/crnn-dist").symlink_to(BINARY)
    (folder / "tagging/bin").mkdir(parents=True)
    (folder / "tagging/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "tagging/bin/python").chmod(0o755)


def run_copied(lines, folder):
    """By the tests' own Python, which has what scripts/plot and scripts/judge would install."""
    pinned = (ROOT / "Tests/EndToEnd/requirements.txt").read_text().splitlines()
    for name in ("plots", "science"):
        assert set((ROOT / "scripts" / name / "requirements.txt").read_text().splitlines()) <= set(pinned), name
    for line in lines:
        line = re.sub(r"(?<![\w/])(scripts|configs)/", rf"{ROOT}/\1/", line)
        outcome = subprocess.run(
            ["bash", "-ec", line], cwd=folder, capture_output=True, text=True,
            env=environment(PATH=f"{folder}/bin:{os.environ['PATH']}", CRNN_DIST_PYTHON=sys.executable))
        assert outcome.returncode == 0, f"{line}\n{outcome.stdout[-2000:]}{outcome.stderr[-2000:]}"


def test_the_tutorials_lines_can_be_copied(tree, tmp_path):
    stand_in_a_clone(tmp_path, tree)
    lines = copied((ROOT / "docs/tutorial.md").read_text())
    assert len(lines) == 11, lines
    run_copied(lines, tmp_path)
    for made in ("songs-252.h5", "runs/first/checkpoints/best.h5", "curves.png", "tags.csv", "tags-of-songs.csv", "tagger.onnx"):
        assert (tmp_path / made).exists(), made


def test_the_readmes_lines_for_the_real_data_can_be_copied(tree, tmp_path):
    stand_in_a_clone(tmp_path, tree)
    text = (ROOT / "README.md").read_text()
    lines = copied(text[text.index("## With the real data"):text.index("## Commands")])
    assert len(lines) == 12, lines
    run_copied(lines, tmp_path)
    for made in ("runs/first/checkpoints/best.h5", "runs/recommended/checkpoints/best.h5", "lengths.png", "curves.png",
                 "compared.png", "tags.csv", "tagger.onnx"):
        assert (tmp_path / made).exists(), made


DESCRIBED = ["quickstart", "documentation", "check-format", "generate-protobuf", "test", "sanitize", "install-dependencies"]


@pytest.mark.parametrize("name", [*DESCRIBED, "build", "bench-network"])
def test_help_of_a_script_says_what_it_does_and_does_nothing(name):
    done = subprocess.run([ROOT / "scripts" / name, "--help"], capture_output=True, text=True, timeout=10)
    begin = (ROOT / "scripts" / name).read_text().splitlines()[1].removeprefix("# ")
    assert done.returncode == 0 and done.stdout.startswith(begin) and "set -e" not in done.stdout and not done.stderr


@pytest.mark.parametrize("name", DESCRIBED)
def test_an_option_that_a_script_does_not_know_is_refused(name):
    done = subprocess.run([ROOT / "scripts" / name, "--none-such"], capture_output=True, text=True, timeout=10)
    assert done.returncode == USAGE and "--none-such: unknown option" in done.stderr
