"""The optimisers of the golden numbers, the tensors they move, and the rules that give weights and gradients."""

import json
import math
from dataclasses import asdict, dataclass

import numpy as np

import cases
import philox

TENSORS = [
    ("convolution_1/kernel", (3, 3, 1, 4)),
    ("convolution_1/bias", (4,)),
    ("normalization_1/gamma", (4,)),
    ("normalization_1/beta", (4,)),
    ("recurrent_1/kernel", (4, 6)),
    ("recurrent_1/recurrent_kernel", (2, 6)),
    ("recurrent_1/bias", (2, 6)),
    ("tags/kernel", (2, 3)),
    ("tags/bias", (3,)),
]
ZERO_AT_FIRST = "tags/bias"
"""Starts as zeros: a trust ratio of a tensor without length."""
STILL = "convolution_1/bias"
"""Its gradients are zero: a trust ratio of an update without length."""
DECAYING = ("kernel", "recurrent_kernel")
"""Roles that weight decay reaches: not biases, not batch norm's scales and shifts."""

WEIGHT_SEED, GRADIENT_SEED = 5, 6
GRADIENTS = 1000
"""The gradient of tensor t at step s is the stream (1000 + t, s)."""
GRADIENT_BOUNDS = (1.0, 0.1, 0.01)
"""Of tensor t: entry t mod 3."""

STEPS = 10
STORED_AFTER = (1, 5, 10)
SHARES = (0.25, 0.5, 0.75, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.1)
"""Of the learning rate, at each step of a case with a schedule."""


@dataclass(frozen=True)
class OptimizerCase:
    name: str
    optimizer: str
    """adam (AdamW is adam with a decay), sgd, lamb."""
    learning_rate: float
    scheduled: bool = False
    weight_decay: float = 0
    decay_in_trust_ratio: bool = False
    """LAMB as published: the decay is part of the update that is measured and scaled. Else it is decoupled."""
    momentum: float = 0
    nesterov: bool = False
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    @property
    def rates(self):
        return [self.learning_rate * (share if self.scheduled else 1) for share in SHARES]

    @property
    def state_names(self):
        if self.optimizer == "sgd":
            return ["velocity"] if self.momentum else []
        return ["first_moment", "second_moment"]

    def description(self):
        tensors = [
            {"name": name, "shape": shape, "decays": decays(name)}
            | {"zero_at_first": name == ZERO_AT_FIRST, "still": name == STILL}
            for name, shape in TENSORS
        ]
        seeds = {"weight_seed": WEIGHT_SEED, "gradient_seed": GRADIENT_SEED, "stored_after": STORED_AFTER}
        return json.dumps(asdict(self) | seeds | {"tensors": tensors})


def decays(name):
    return name.split("/")[1] in DECAYING


def initial_weights():
    """By the rules of the networks' weights, except `ZERO_AT_FIRST`; single precision's values, in double."""
    return [
        cases.initial_value(WEIGHT_SEED, number, name, shape).astype(np.float64) * (name != ZERO_AT_FIRST)
        for number, (name, shape) in enumerate(TENSORS)
    ]


def gradients(step):
    """Single precision's values, in double."""
    found = []
    for number, (name, shape) in enumerate(TENSORS):
        bound = 0 if name == STILL else GRADIENT_BOUNDS[number % 3]
        found.append(philox.symmetric(GRADIENT_SEED, GRADIENTS + number, shape, bound, step).astype(np.float64))
    return found


def count():
    return sum(math.prod(shape) for _, shape in TENSORS)


def _twice(name, optimizer, learning_rate, **named):
    yield OptimizerCase(name, optimizer, learning_rate, **named)
    yield OptimizerCase(f"{name}-schedule", optimizer, learning_rate, scheduled=True, **named)


CASES = [
    OptimizerCase("adam-defaults", "adam", 0.001),
    *_twice("adam", "adam", 0.01),
    *_twice("adamw", "adam", 0.01, weight_decay=0.1),
    *_twice("sgd", "sgd", 0.01),
    *_twice("sgd-momentum", "sgd", 0.01, momentum=0.9),
    *_twice("sgd-nesterov", "sgd", 0.01, momentum=0.9, nesterov=True),
    *_twice("sgd-nesterov-decay", "sgd", 0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    *_twice("lamb", "lamb", 0.01),
    *_twice("lamb-decay", "lamb", 0.01, weight_decay=0.1, decay_in_trust_ratio=True),
    *_twice("lamb-decay-decoupled", "lamb", 0.01, weight_decay=0.1),
]
