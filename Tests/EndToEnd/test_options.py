"""An option of a run is one thing: a key in YAML, and a flag of the same name on the command line that arrives there."""

import re

import pytest

import program

# The keys as the program declares them, read from its source: the program itself lists them nowhere.
SOURCE = program.ROOT / "Sources/Training/Configuration/RunOption.swift"
KEYS = set(re.findall(r'^ +(?:\.|return )?(?:\.?(?:scalar|list|text|fixed)|RunOption)\(\s*(?:key: )?"([a-z_]+)"',
                      SOURCE.read_text(), flags=re.MULTILINE))
# Of the command itself, not of the run; and what a resolved file carries for the program alone.
OF_THE_COMMAND = {"out", "resume", "config", "timeline", "progress", "version", "help"}
ONLY_IN_FILES = {"split_lists_hash"}
# Any text is a path, or a switch takes none.
TAKE_ANYTHING = {"data", "msd", "lastfm", "tags", "strict", "permute_tags", "overlap", "from"}


def flags_in_help(*command):
    told = program.succeed(*command, "--help").output
    return {flag.replace("-", "_") for flag in re.findall(r"^  (?:-\w, )?--([a-z-]+)", told, flags=re.MULTILINE)}


def test_every_key_is_a_flag_and_every_flag_a_key():
    assert len(KEYS) > 40, sorted(KEYS)
    flags = flags_in_help("train") - OF_THE_COMMAND
    assert flags == KEYS - ONLY_IN_FILES, f"only flags: {flags - KEYS}; only keys: {KEYS - flags - ONLY_IN_FILES}"


def test_a_key_that_is_none_is_refused_by_its_neighbour(tmp_path):
    (tmp_path / "run.yaml").write_text("warm_up_step: 3\n")
    outcome = program.run("train", "--data", "songs.h5", "--out", tmp_path / "run", "--config", tmp_path / "run.yaml")
    assert outcome.code == program.USAGE and "warm_up_steps" in outcome.errors, str(outcome)


@pytest.mark.parametrize("key", sorted(KEYS - ONLY_IN_FILES - TAKE_ANYTHING))
def test_a_flag_arrives_at_its_key(key, tmp_path):
    flag = "--" + key.replace("_", "-")
    outcome = program.run("train", "--data", "songs.h5", "--out", tmp_path / "run", flag, "?")
    assert outcome.code == program.USAGE and "?" in outcome.errors, str(outcome)
    if key != "split":  # A rule has its own words.
        assert f"{flag}: found" in outcome.errors, str(outcome)


def test_benchmark_step_takes_what_changes_a_step(tmp_path):
    flags = flags_in_help("benchmark", "step")
    assert {"optimizer", "weight_decay", "schedule", "clip_norm", "batch_norm", "features", "segments", "tags", "model",
            "filters", "recurrent_units", "pooling", "batch_size", "threads", "config"} <= flags
    outcome = program.run("benchmark", "step", "--segments", "all")
    assert outcome.code == program.USAGE and "give a number" in outcome.errors, str(outcome)
    outcome = program.run("benchmark", "step", "--momentum", "0.9")
    assert outcome.code == program.USAGE and "momentum is of no use" in outcome.errors, str(outcome)
