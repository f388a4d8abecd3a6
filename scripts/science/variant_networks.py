"""The recommended network's parts in PyTorch, and how they learn, with the options that scripts/variants tries."""

import copy
from dataclasses import dataclass

import numpy
import torch
from torch import nn
from torch.nn import functional as F

BATCH, RATE, DECAY = 64, 0.002, 0.05
LENGTH, PITCHES = 252, 12
AT_ONCE = 256


@dataclass(frozen=True)
class Recipe:
    network: str = "dense"
    # Of the dense layers: units, and what a unit makes of its input.
    units: tuple = (256, 256)
    activation: str = "relu"
    # Dropped of the input, and of each layer's values.
    dropouts: tuple = (0.2, 0.5)
    epochs: int = 60
    # How many terms, and how many artists that others are like, are learnt beside the tags.
    words: tuple = (100, 100)
    # What the losses are multiplied by.
    tags: float = 1
    terms: float = 3
    smoothing: float = 0
    # The α of mixup's beta distribution; 0: none.
    mixup: float = 0
    # What is left of the average of the weights at each step; 0: the last weights count.
    average: float = 0
    attention: bool = False
    rotation: bool = False
    # Predictions are averaged over so many crops.
    crops: int = 1


class Dense(nn.Module):
    def __init__(self, songs, recipe):
        super().__init__()
        widths = (songs.numbers.shape[1], *recipe.units)
        self.recipe, self.activation = recipe, getattr(F, recipe.activation)
        self.dense = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in zip(widths, widths[1:]))
        self.normalizations = nn.ModuleList(nn.BatchNorm1d(units) for units in widths[1:])
        self.heads = nn.ModuleList([nn.Linear(widths[-1], len(songs.tags)), nn.Linear(widths[-1], songs.terms.shape[1])])

    def forward(self, values):
        first, others = self.recipe.dropouts
        x = F.dropout(values, first, self.training)
        for dense, normalization in zip(self.dense, self.normalizations):
            x = F.dropout(self.activation(normalization(dense(x))), others, self.training)
        return [head(x) for head in self.heads]


class Convolutions(nn.Module):
    def __init__(self, songs, recipe):
        super().__init__()
        channels = songs.segments[0].shape[1]
        self.input_normalization = nn.BatchNorm1d(channels)
        self.convolutions = nn.ModuleList(nn.Conv1d(i, 32, 3, padding=1) for i in (channels, 32))
        self.normalizations = nn.ModuleList(nn.BatchNorm1d(32) for _ in range(2))
        self.recurrent = nn.GRU(32, 16, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(32, 1) if recipe.attention else None
        width = 2 * 32 + 2 * 16 + (32 if recipe.attention else 0)
        self.heads = nn.ModuleList([nn.Linear(width, len(songs.tags)), nn.Linear(width, songs.terms.shape[1])])

    def forward(self, values):
        x = self.input_normalization(values)
        for convolution, normalization in zip(self.convolutions, self.normalizations):
            x = F.dropout(F.max_pool1d(F.elu(normalization(convolution(x))), 4), 0.1, self.training)
        last = self.recurrent(x.transpose(1, 2))[1]
        parts = [x.mean(dim=2), x.amax(dim=2), last[0], last[1]]
        if self.attention is not None:
            share = self.attention(x.transpose(1, 2)).softmax(dim=1)
            parts.append((x.transpose(1, 2) * share).sum(dim=1))
        x = F.dropout(torch.cat(parts, dim=1), 0.5, self.training)
        return [head(x) for head in self.heads]


NETWORKS = {"dense": Dense, "convolutions": Convolutions}


def crop(songs, numbers, places):
    """[songs, channels, 252], of each song from its place on (a share of what may be left out)."""
    rows = []
    for song, place in zip(numbers, places):
        own = songs.segments[song]
        first = round(place * (len(own) - LENGTH))
        rows.append(own[first:first + LENGTH].T)
    return torch.from_numpy(numpy.stack(rows))


def inputs(songs, recipe, numbers, chance):
    if recipe.network == "dense":
        return torch.from_numpy(songs.numbers[numbers])
    values = crop(songs, numbers, chance.random(len(numbers)))
    if recipe.rotation:
        for song, steps in enumerate(chance.integers(PITCHES, size=len(numbers))):
            values[song, :PITCHES] = values[song, :PITCHES].roll(int(steps), dims=0)
    return values


def learn(songs, recipe, seed, start=None):
    """A network that has learnt from all songs.
    `start`: a network whose layers before the heads are begun with."""
    torch.manual_seed(seed)
    chance = numpy.random.default_rng(seed)
    network = NETWORKS[recipe.network](songs, recipe)
    if start is not None:
        own = {name: values for name, values in start.state_dict().items() if not name.startswith("heads")}
        network.load_state_dict(own, strict=False)
    labels, terms = torch.from_numpy(songs.labels.astype(numpy.float32)), torch.from_numpy(songs.terms)
    labels = labels * (1 - recipe.smoothing) + recipe.smoothing / 2
    has_tags = torch.from_numpy(songs.has_tags.astype(numpy.float32))
    steps = -(-len(songs) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=recipe.epochs * steps)
    average = copy.deepcopy(network) if recipe.average else None
    for _ in range(recipe.epochs):
        order = chance.permutation(len(songs))
        for part in numpy.array_split(order, steps):
            values = inputs(songs, recipe, part, chance)
            wanted = [labels[part], terms[part], has_tags[part]]
            share, other = 1.0, slice(None)
            if recipe.mixup:
                share, other = float(chance.beta(recipe.mixup, recipe.mixup)), torch.from_numpy(chance.permutation(len(part)))
            logits = network(share * values + (1 - share) * values[other])
            optimizer.zero_grad(set_to_none=True)
            mixed = share * loss(logits, wanted, recipe)
            if recipe.mixup:
                mixed = mixed + (1 - share) * loss(logits, [own[other] for own in wanted], recipe)
            mixed.backward()
            optimizer.step()
            schedule.step()
            if average is not None:
                move(average, network, recipe.average)
    return average or network


def loss(logits, wanted, recipe):
    tags, terms = (F.binary_cross_entropy_with_logits(own, want, reduction="none").mean(dim=1)
                   for own, want in zip(logits, wanted))
    return recipe.tags * (tags * wanted[2]).mean() + recipe.terms * terms.mean()


def move(average, network, left):
    with torch.no_grad():
        for own, new in zip(average.state_dict().values(), network.state_dict().values()):
            if own.is_floating_point():
                own.lerp_(new, 1 - left)


def probabilities(network, songs, recipe):
    """[songs, tags]; of convolutions the mean over crops at even distances, of one the middle."""
    network.eval()
    places = [0.5] if recipe.crops == 1 else [number / (recipe.crops - 1) for number in range(recipe.crops)]
    if recipe.network == "dense":
        places = [0]
    found = []
    with torch.no_grad():
        for first in range(0, len(songs), AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, len(songs)))
            several = []
            for place in places:
                values = (torch.from_numpy(songs.numbers[first:first + AT_ONCE]) if recipe.network == "dense"
                          else crop(songs, numbers, [place] * len(numbers)))
                several.append(network(values)[0].sigmoid().numpy())
            found.append(numpy.mean(several, axis=0))
    return numpy.concatenate(found)
