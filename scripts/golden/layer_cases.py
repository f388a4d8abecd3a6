"""The single layers of the golden numbers: their kinds and sizes, and the rules that give weights, inputs and the
gradient from above. README.md here states the rules for the Swift tests."""

import itertools
import json
import math
from dataclasses import asdict, dataclass, replace

import philox

INPUTS, UPSTREAM = 1000, 1001
"""Streams of the inputs and of the gradient from above; a weight's stream is its position among the weights."""


@dataclass(frozen=True)
class LayerCase:
    name: str
    layer: str
    """recurrent, mean_max, dense or padding."""
    inputs: int
    """Features of a step, or values of a vector, or channels of a map."""
    lengths: tuple
    """Steps of each song's sequence or columns of its map; ones for vectors."""
    units: int = 0
    reset_after: bool = True
    bidirectional: bool = False
    returns: str = ""
    """Of a recurrent layer: all (states), last (state) or mean_max (over time, of all states)."""
    rows: int = 0
    before: int = 0
    after: int = 0
    seed: int = 0

    @property
    def tensors(self):
        """Name and shape of every weight, in the order of their streams."""
        if self.layer == "dense":
            return [("kernel", (self.inputs, self.units)), ("bias", (self.units,))]
        if self.layer != "recurrent":
            return []
        gates = 3 * self.units
        of_direction = [
            ("kernel", (self.inputs, gates)),
            ("recurrent_kernel", (self.units, gates)),
            ("bias", (2, gates) if self.reset_after else (gates,)),
        ]
        if not self.bidirectional:
            return of_direction
        return [(f"{way}/{name}", shape) for way in ("forward", "backward") for name, shape in of_direction]

    def input_shape(self, length):
        return {"dense": (self.inputs,), "padding": (self.rows, length, self.inputs)}.get(
            self.layer, (length, self.inputs)
        )

    def output_shape(self, length):
        width = self.units * (2 if self.bidirectional else 1)
        if self.layer == "recurrent":
            return {"all": (length, width), "last": (width,), "mean_max": (2 * width,)}[self.returns]
        if self.layer == "padding":
            return (self.rows, self.before + length + self.after, self.inputs)
        return (self.units,) if self.layer == "dense" else (2 * self.inputs,)

    def weights(self):
        return [
            philox.symmetric(self.seed, number, shape, 0.5 if "bias" in name else math.sqrt(6 / sum(shape)))
            for number, (name, shape) in enumerate(self.tensors)
        ]

    def inputs_of_songs(self):
        return self._songs(INPUTS, self.input_shape)

    def upstream_of_songs(self):
        """The gradient of a loss for the outputs."""
        return self._songs(UPSTREAM, self.output_shape)

    def _songs(self, stream, shape_of):
        """One stream, song after song."""
        shapes = [shape_of(length) for length in self.lengths]
        counts = [math.prod(shape) for shape in shapes]
        values, first, found = philox.symmetric(self.seed, stream, (sum(counts),), 1), 0, []
        for shape, count in zip(shapes, counts):
            found.append(values[first : first + count].reshape(shape))
            first += count
        return found

    def description(self):
        tensors = [{"name": name, "shape": shape} for name, shape in self.tensors]
        return json.dumps(asdict(self) | {"tensors": tensors})


SMALL, LARGE = dict(inputs=7, units=5), dict(inputs=20, units=32)
SONGS = {"6x3": ((6, 6, 6), SMALL), "7-11-3": ((7, 11, 3), SMALL), "9-1-12": ((9, 1, 12), LARGE)}
"""Lengths and sizes by the last part of a recurrent case's name."""
WITH_LARGE = ("gru-reset-before-all", "gru-reset-before-last", "gru-reset-after-all", "gru-reset-after-last",
              "bidirectional-reset-before-all")  # fmt: skip
"""Those with a case of large sizes too: each is 20 or 40 KB of gradients."""


def _recurrent():
    for reset_after, bidirectional, returns in itertools.product(
        (False, True), (False, True), ("all", "last", "mean_max")
    ):
        way = "bidirectional" if bidirectional else "gru"
        name = f"{way}-reset-{'after' if reset_after else 'before'}-{returns.replace('_', '-')}"
        for songs, (lengths, sizes) in SONGS.items():
            if sizes is SMALL or name in WITH_LARGE:
                yield LayerCase(
                    f"{name}-{songs}", "recurrent", lengths=lengths, reset_after=reset_after,
                    bidirectional=bidirectional, returns=returns, **sizes,
                )  # fmt: skip


CASES = [
    replace(case, seed=number)
    for number, case in enumerate(
        [
            *_recurrent(),
            LayerCase("mean-max-6x3", "mean_max", 5, (6, 6, 6)),
            LayerCase("mean-max-7-11-3", "mean_max", 7, (7, 11, 3)),
            LayerCase("mean-max-1-2-33", "mean_max", 19, (1, 2, 33)),
            LayerCase("dense-elu", "dense", 20, (1, 1, 1), units=7),
            LayerCase("padding-2-3", "padding", 3, (5, 7, 2), rows=4, before=2, after=3),
            LayerCase("padding-0-4", "padding", 1, (6, 6, 6), rows=12, before=0, after=4),
        ],
        1,
    )
]
"""A case's seed is its place in the list, from 1."""
