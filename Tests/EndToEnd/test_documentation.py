"""What the documentation says of the program is what the program says, and its pages lead to one another."""

import subprocess

from program import ROOT


def test_the_page_of_options_is_what_the_program_says():
    outcome = subprocess.run([ROOT / "scripts/options", "--check"], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr


def test_the_site_is_made_without_a_broken_link():
    outcome = subprocess.run([ROOT / "scripts/documentation"], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (ROOT / ".build/site/options/index.html").exists()
