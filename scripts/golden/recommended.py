"""Golden numbers of the recommended network, computed by PyTorch in double precision from its own layers: branches side by
side, dense layers with batch norm over the songs, and the loss of tags and auxiliary targets where some songs have no tags.

Writes Tests/NetworksTests/Golden/recommended.h5: of each case the architecture, weights and inputs (all of them, in single
precision, as drawn), probabilities with the moving statistics, and of a training step without dropout the loss, every
gradient and the batch's statistics."""

import json
import pathlib

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STORED = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "NetworksTests" / "Golden" / "recommended.h5"
EPSILON = 1e-3
CASES = {
    "everything": dict(channels=5, segments=18, filters=[6, 19], units=4, values=9, dense=[21, 6], targets=5, songs=7),
    "song-alone": dict(channels=0, segments=3, filters=[], units=4, values=33, dense=[10], targets=3, songs=5),
    "segments-alone": dict(channels=29, segments=20, filters=[8, 7], units=5, values=0, dense=[], targets=0, songs=6),
    "rectified": dict(channels=0, segments=3, filters=[], units=4, values=21, dense=[24, 17], targets=7, songs=6,
                      activation="relu"),
}
TAGS, WEIGHT, WINDOW = 4, 1.75, 2


def gates(values):
    """Keras's update, reset, new as PyTorch's reset, update, new."""
    update, reset, new = values.split(values.shape[-1] // 3, dim=-1)
    return torch.cat([reset, update, new], dim=-1)


def tensors(case):
    """Trainable tensors and moving statistics, by name, with their shapes."""
    weights, moving = {}, {}

    def normalization(name, shape):
        weights[f"{name}/gamma"], weights[f"{name}/beta"] = shape, shape
        moving[f"{name}/moving_mean"], moving[f"{name}/moving_variance"] = shape, shape

    inputs = case["channels"]
    if case["filters"]:
        normalization("input_normalization", (inputs, 1))
    for number, filters in enumerate(case["filters"], 1):
        weights[f"convolution_{number}/kernel"] = (3, 3, inputs, filters)
        weights[f"convolution_{number}/bias"] = (filters,)
        normalization(f"normalization_{number}", (filters,))
        inputs = filters
    joined, below = 0, case["values"]
    for number, units in enumerate(case["dense"], 1):
        weights[f"dense_{number}/kernel"] = (below, units)
        normalization(f"dense_normalization_{number}", (units,))
        below = units
    joined += case["dense"][-1] if case["dense"] else 0
    if case["filters"]:
        for way in ("forward", "backward"):
            weights[f"recurrent/{way}/kernel"] = (inputs, 3 * case["units"])
            weights[f"recurrent/{way}/recurrent_kernel"] = (case["units"], 3 * case["units"])
            weights[f"recurrent/{way}/bias"] = (2, 3 * case["units"])
        joined += 2 * inputs + 2 * case["units"]
    for name, outputs in (("tags", TAGS), ("auxiliary", case["targets"])):
        if outputs:
            weights[f"{name}/kernel"], weights[f"{name}/bias"] = (joined, outputs), (outputs,)
    return weights, moving


def network(case, weights, moving, batch, statistics=None):
    """Logits of tags and of auxiliary targets; with `statistics` those of the batch are used and put there."""

    def normalize(x, name):
        """Over the songs, and the steps where there are some; channels last."""
        axes = tuple(range(x.dim() - 1))
        mean, variance = (moving[f"{name}/moving_{what}"].flatten() for what in ("mean", "variance"))
        if statistics is not None:
            mean, variance = x.mean(axes), x.var(axes, unbiased=False)
            statistics[f"{name}/moving_mean"], statistics[f"{name}/moving_variance"] = mean, variance
        gamma, beta = (weights[f"{name}/{what}"].flatten() for what in ("gamma", "beta"))
        return (x - mean) / torch.sqrt(variance + EPSILON) * gamma + beta

    parts = []
    x = batch["song_values"]
    for number in range(1, len(case["dense"]) + 1):
        activation = F.relu if case.get("activation") == "relu" else F.elu
        x = activation(normalize(x @ weights[f"dense_{number}/kernel"], f"dense_normalization_{number}"))
    if case["dense"]:
        parts.append(x)
    if case["filters"]:
        x = normalize(batch["features"], "input_normalization")
        for number in range(1, len(case["filters"]) + 1):
            kernel, bias = weights[f"convolution_{number}/kernel"], weights[f"convolution_{number}/bias"]
            x = F.conv2d(x.transpose(1, 2)[:, :, None], kernel.permute(3, 2, 0, 1), bias, padding=1)[:, :, 0]
            x = F.elu(normalize(x.transpose(1, 2), f"normalization_{number}"))
            x = F.max_pool1d(x.transpose(1, 2), WINDOW).transpose(1, 2)
        parts += [x.mean(1), x.amax(1)]
        for way in ("forward", "backward"):
            name = f"recurrent/{way}"
            bias = weights[f"{name}/bias"]
            held = dict(
                weight_ih_l0=gates(weights[f"{name}/kernel"]).T, bias_ih_l0=gates(bias[0]), bias_hh_l0=gates(bias[1]),
                weight_hh_l0=gates(weights[f"{name}/recurrent_kernel"]).T)
            module = nn.GRU(x.shape[2], case["units"], batch_first=True).double()
            states = torch.func.functional_call(module, held, (x if way == "forward" else x.flip(1),))[0]
            parts.append(states[:, -1])
    joined = torch.cat(parts, 1)
    return [joined @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
            for name in ("tags", "auxiliary") if f"{name}/kernel" in weights]


def loss(logits, batch):
    """The mean over songs of: the mean over tags where they are known, and `WEIGHT` times that over the targets."""
    of_tags = F.binary_cross_entropy_with_logits(logits[0], batch["labels"], reduction="none").mean(1)
    total = (of_tags * batch["is_tagged"]).mean()
    if len(logits) > 1:
        total = total + WEIGHT * F.binary_cross_entropy_with_logits(logits[1], batch["auxiliary"])
    return total


def drawn(case, seed):
    random = np.random.default_rng(seed)
    uniform = lambda shape, low, high: random.uniform(low, high, shape).astype(np.float32)
    shapes, moving = tensors(case)
    weights = {
        name: uniform(shape, *((-1, 1) if name.endswith("kernel") else (0.5, 1.5) if name.endswith("gamma") else (-0.5, 0.5)))
        * (np.float32(np.sqrt(6 / sum(shape[-2:]))) if name.endswith("kernel") else 1)
        for name, shape in shapes.items()}
    statistics = {
        name: uniform(shape, *((0.5, 2) if name.endswith("variance") else (-0.5, 0.5))) for name, shape in moving.items()}
    songs = case["songs"]
    batch = {
        "features": uniform((songs, case["segments"], case["channels"]), -1, 1),
        "song_values": uniform((songs, case["values"]), -2, 2),
        "labels": (random.random((songs, TAGS)) < 0.4).astype(np.float32),
        "auxiliary": uniform((songs, case["targets"]), 0, 1) * (random.random((songs, case["targets"])) < 0.5),
        "is_tagged": (np.arange(songs) % 3 != 1).astype(np.float32) if case["targets"] else np.ones(songs, np.float32)}
    return weights, statistics, batch


def main():
    torch.set_default_dtype(torch.float64)
    with h5py.File(STORED, "w") as file:
        for seed, (name, case) in enumerate(CASES.items(), 1):
            group = file.create_group(name)
            group.attrs["case"] = json.dumps(case | {"tags": TAGS, "weight": WEIGHT, "window": WINDOW})
            values = drawn(case, seed)
            weights, moving, batch = ({key: torch.from_numpy(array.astype(np.float64)) for key, array in part.items()}
                                      for part in values)
            for part, arrays in zip(("weights", "moving", "batch"), values):
                for key, array in arrays.items():
                    group.create_dataset(f"{part}/{key}", data=array)
            with torch.no_grad():
                group["probabilities"] = torch.sigmoid(network(case, weights, moving, batch)[0]).numpy().astype(np.float32)
            for weight in weights.values():
                weight.requires_grad_()
            statistics = {}
            total = loss(network(case, weights, moving, batch, statistics), batch)
            total.backward()
            group.attrs["loss"] = float(total.detach())
            for key, weight in weights.items():
                gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
                group.create_dataset(f"gradients/{key}", data=gradient.numpy().astype(np.float32))
            for key, value in statistics.items():
                group.create_dataset(f"statistics/{key}", data=value.detach().numpy().astype(np.float32))
            print(f"{name}: loss {float(total.detach()):.6f}")
    print(f"{STORED}: {STORED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
