"""The networks have the paper's sizes."""

import json

import pytest

import program

CONFIGS = program.ROOT / "configs"
# Trainable parameters and moving statistics; they do not depend on the number of segments.
COUNTS = {"small": (81_314, 384), "large": (2_514_154, 2_058)}


@pytest.mark.parametrize("segments", [252, 512, 1024])
@pytest.mark.parametrize("model", ["small", "large"])
def test_inspect_counts_the_parameters_of_every_layer(model, segments):
    told = json.loads(program.succeed("inspect", CONFIGS / f"{model}-{segments}.yaml", "--json").output)
    assert (told["trainable"], told["non_trainable"]) == COUNTS[model]
    assert told["segments"] == segments
    assert told["layers"], "the layers are listed"
