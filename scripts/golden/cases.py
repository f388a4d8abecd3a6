"""The networks of the golden numbers: their shapes, and the rules that give weights, inputs and labels. The Swift
tests follow the same rules (GoldenCase.swift and GoldenWeights.swift in Tests/NetworksTests), so only results need to
be stored."""

import math
from dataclasses import dataclass

import numpy as np

import philox

STEPS = 5
PAPER_POOLING = ((2, 2), (2, 2), (3, 3))


@dataclass(frozen=True)
class Case:
    name: str
    segments: int
    filters: tuple
    recurrent_units: int
    seed: int
    """Of inputs, labels and dropout. Found by `search.py`: no two values compete closely in a pooling window."""
    dropout: bool = False
    pooling: tuple = PAPER_POOLING
    tags: int = 50
    songs: tuple = (11, 4_000_000_000, 5)
    """The songs' numbers, which the dropout masks depend on; their count is the batch."""
    rows: int = 12
    channels: int = 1
    padding: tuple = (0, 0)
    """Columns of zeros before and after every song's own, in front of everything else."""
    normalized: str = "frequency"
    """What the input's batch norm has parameters for: every row (frequency) or every column (time)."""
    reset_after: bool = True
    """Of the GRUs; False: one bias a gate, the reset gate before the product."""
    complete: bool = True
    """All values are stored; else samples and projections of each large tensor."""

    convolution_dropout = 0.1
    final_dropout = 0.3
    weight_seed = 20_241_123

    @property
    def columns(self):
        return self.segments + sum(self.padding)

    @property
    def row_shape(self):
        """A value for each row (or column); of several channels, for each of each."""
        count = self.rows if self.normalized == "frequency" else self.columns
        return (count,) if self.channels == 1 else (self.channels, count)

    @property
    def shapes(self):
        """Rows, columns, input channels, output channels, window of each convolution."""
        rows, columns, inputs, found = self.rows, self.columns, self.channels, []
        for outputs, window in zip(self.filters, self.pooling):
            found.append((rows, columns, inputs, outputs, window))
            rows, columns, inputs = rows // window[0], columns // window[1], outputs
        assert rows == 1, f"{self.name}: {rows} rows are left for the recurrent layers"
        return found

    @property
    def mask_shapes(self):
        """The shape of one song's map at each dropout."""
        pooled = [
            (rows // window[0], columns // window[1], outputs)
            for rows, columns, _, outputs, window in self.shapes
        ]
        return pooled + [(self.recurrent_units,)]

    @property
    def mask_rates(self):
        return [self.convolution_dropout] * len(self.filters) + [self.final_dropout]

    @property
    def trainable(self):
        """Name and shape of every weight; the position in this list numbers the tensor's random stream."""
        tensors = [(f"input_normalization/{role}", self.row_shape) for role in ("gamma", "beta")]
        for number, (_, _, inputs, outputs, _) in enumerate(self.shapes, 1):
            tensors += [
                (f"convolution_{number}/kernel", (3, 3, inputs, outputs)),
                (f"convolution_{number}/bias", (outputs,)),
                (f"normalization_{number}/gamma", (outputs,)),
                (f"normalization_{number}/beta", (outputs,)),
            ]
        units = self.recurrent_units
        for number, inputs in ((1, self.filters[-1]), (2, units)):
            tensors += [
                (f"recurrent_{number}/kernel", (inputs, 3 * units)),
                (f"recurrent_{number}/recurrent_kernel", (units, 3 * units)),
                (f"recurrent_{number}/bias", (2, 3 * units) if self.reset_after else (3 * units,)),
            ]
        return tensors + [("tags/kernel", (units, self.tags)), ("tags/bias", (self.tags,))]

    @property
    def moving(self):
        """Name and shape of every moving statistic; numbered on from `trainable`."""
        layers = [("input_normalization", self.row_shape)]
        layers += [(f"normalization_{number}", (count,)) for number, count in enumerate(self.filters, 1)]
        return [(f"{layer}/{role}", shape) for layer, shape in layers for role in ("moving_mean", "moving_variance")]

    def initial_values(self):
        """Every weight and moving statistic by name, float32."""
        return {
            name: initial_value(self.weight_seed, number, name, shape)
            for number, (name, shape) in enumerate(self.trainable + self.moving)
        }

    def features(self, seed=None):
        """[songs, segments, channels, rows] thousandths in [0, 1], small ones more often, as pitches are; channels
        behind the first are stretched and shifted, as timbre is, each by its own amount; float32."""
        shape = (len(self.songs), self.segments, self.channels, self.rows)
        drawn = philox.stream(self.seed if seed is None else seed, math.prod(shape), first=1000) % 1001
        thousandths = (drawn * drawn // 1000).astype(np.int64).reshape(shape)
        channel = np.arange(self.channels)[:, None]
        return ((thousandths * (1 + channel % 4) - 500 * (channel % 3)) / 1000).astype(np.float32)

    def labels(self, seed=None):
        """[songs, tags], a quarter of them 1; float32."""
        shape = (len(self.songs), self.tags)
        drawn = philox.stream(self.seed if seed is None else seed, math.prod(shape), first=1001)
        return (drawn % 4 == 0).astype(np.float32).reshape(shape)

    def masks(self, step, seed=None):
        """What each dropout multiplies its maps by in this step, [songs, …] each; ones where dropout is off."""
        if not self.dropout:
            return [np.ones((len(self.songs), *shape)) for shape in self.mask_shapes]
        return [
            np.stack(
                [
                    philox.dropout_mask(shape, rate, self.seed if seed is None else seed, step, song, layer)
                    for song in self.songs
                ]
            )
            for layer, (shape, rate) in enumerate(zip(self.mask_shapes, self.mask_rates))
        ]


def initial_value(seed, number, name, shape):
    """A tensor by its role: nothing zero, nothing as Keras starts it. Scales are of both signs and around 1 in
    size, since pooling a map of negative scale is a path of its own. Kernels are uniform, within Glorot's bound
    except the convolutions' (0.3): these act through a normalisation, so only the size of a step of Adam against
    theirs changes, and five steps do not carry the gradients to where they forget how they began."""
    count = math.prod(shape)
    unit = philox.uniform(seed, count, first=number)
    role = name.split("/")[1]
    if name.startswith("convolution") and role == "kernel":
        values = (2 * unit - 1) * 0.3
    elif role in ("kernel", "recurrent_kernel"):
        values = (2 * unit - 1) * math.sqrt(6 / sum(shape))
    elif role == "gamma":
        values = (0.5 + unit) * np.where(np.arange(count) % 4 == 3, -1, 1)
    elif role == "moving_variance":
        values = 0.5 + unit
    elif role == "bias":
        values = (2 * unit - 1) * 0.1
    else:
        values = (2 * unit - 1) * 0.3
    return values.astype(np.float32).reshape(shape)


def small(name, **named):
    return Case(name, filters=(60,) * 3, recurrent_units=30, **named)


def large(name, **named):
    return Case(name, filters=(339,) * 3, recurrent_units=169, complete=False, **named)


def odd(name, **named):
    return Case(name, filters=(5, 7), recurrent_units=3, tags=4, pooling=((3, 2), (4, 5)), **named)


CASES = [
    small("small-252", segments=252, seed=5849, songs=(11, 4_000_000_000)),
    small("small-77-dropout", segments=77, seed=329, dropout=True),
    large("large-36", segments=36, seed=1030, songs=(11, 4_000_000_000)),
    large("large-41-dropout", segments=41, seed=1106, songs=(11, 4_000_000_000), dropout=True),
    odd("odd-29", segments=29, seed=15, songs=(3, 1, 4, 1_000_000, 5)),
    odd("odd-29-dropout", segments=29, seed=86, songs=(3, 1, 4, 1_000_000, 5), dropout=True),
]


SHAPE_CASES = [
    Case(
        "rows-96", segments=50, rows=96, filters=(5, 6, 7, 6), pooling=((2, 2), (3, 2), (4, 3), (4, 1)),
        recurrent_units=5, tags=4, seed=155, songs=(11, 4_000_000_000, 5),
    ),
    Case(
        "channels-29-dropout", segments=53, rows=1, channels=29, filters=(6, 7, 5), pooling=((1, 2), (1, 2), (1, 3)),
        recurrent_units=4, tags=5, seed=5, songs=(3, 1, 4, 1_000_000, 5), dropout=True,
    ),
    Case(
        "padded-20", segments=20, rows=8, padding=(2, 4), filters=(5, 7), pooling=((2, 2), (4, 3)),
        recurrent_units=3, tags=4, seed=8, songs=(3, 1, 4, 1_000_000, 5),
    ),
    Case(
        "choi2016-bands", segments=114, rows=24, padding=(3, 3), filters=(5, 6, 7), pooling=((2, 2), (3, 3), (4, 4)),
        recurrent_units=4, tags=4, seed=4, songs=(11, 4_000_000_000), reset_after=False,
    ),
    Case(
        "choi2016-time", segments=118, rows=24, padding=(1, 1), filters=(5, 6, 7), pooling=((2, 2), (3, 3), (4, 4)),
        recurrent_units=4, tags=4, seed=9, songs=(11, 4_000_000_000), normalized="time", reset_after=False,
        dropout=True,
    ),
    Case(
        "time-channels", segments=20, rows=8, channels=2, padding=(1, 2), filters=(5, 7), pooling=((2, 2), (4, 3)),
        recurrent_units=3, tags=4, seed=7, songs=(3, 1, 4), normalized="time",
    ),
    Case(
        "choi2016-tall", segments=478, rows=96, padding=(1, 1), filters=(2, 3, 2, 2),
        pooling=((2, 2), (3, 3), (4, 4), (4, 4)), recurrent_units=3, tags=4, seed=60, songs=(7,), normalized="time",
        reset_after=False,
    ),
]  # fmt: skip
"""Inputs of other shapes than 12 rows of one channel: `make shapes`. Where the batch norm is over time, one column of zeros
stands on either side: within more of them rows are alike, and windows tie (which changes no gradient)."""
