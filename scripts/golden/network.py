"""Golden numbers of the whole network, computed by Keras 3 in double precision (see README.md)."""

import argparse
import json
import pathlib

import h5py
import numpy as np

import cases
import margins
import philox
from keras_network import KerasNetwork

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "Tests" / "NetworksTests" / "Golden"
SETS = {
    "network": (cases.CASES, FOLDER / "networks.h5"),
    "shapes": (cases.SHAPE_CASES, FOLDER / "networks-shapes.h5"),
}

COMPLETE_UP_TO = 4096
"""Larger tensors of a case that is not `complete` are represented by samples and projections."""
SAMPLES, PROJECTIONS = 1000, 16
SAMPLE_STREAM, PROJECTION_STREAM = 1, 2


def run(network):
    """All that is compared: name to an array, or to a list of arrays in the order of the case's tensors."""
    case = network.case
    found = {"inference": network.infer(), "losses": []}
    for step in range(1, cases.STEPS + 1):
        output, loss, gradients = network.forward_backward(step)
        found["losses"].append(loss)
        if step == 1:
            found |= {"training": output, "gradients": gradients, "moving": network.moving_values()}
        network.apply(gradients)
    found["losses"] = np.array(found["losses"])
    found["weights"] = network.trainable_values()
    return found


def closest_competitors(case):
    """How far the closest two values of any pooling window are apart in any step, in multiples of the wanted gap."""
    network, worst = KerasNetwork(case), np.inf
    for step in range(1, cases.STEPS + 1):
        worst = min(worst, *margins.of_maps(network.maps(step), network))
        network.apply(network.forward_backward(step)[2])
    return worst


def distance(found, truth):
    """The largest difference as a share of the largest true value."""
    return float(np.abs(found - truth).max() / np.abs(truth).max())


def has_no_gradient(name):
    """A shift before a normalisation changes nothing."""
    return name.startswith("convolution_") and name.endswith("/bias")


def distances(found, truth, case):
    """`distance` of everything that was computed; of a list of tensors, the largest and its tensor's name."""
    table = {}
    for key, values in truth.items():
        if isinstance(values, np.ndarray):
            table[key] = (distance(found[key], values), "")
            continue
        names = [name for name, _ in (case.moving if key == "moving" else case.trainable)]
        table[key] = max(
            (distance(mine, theirs), name)
            for mine, theirs, name in zip(found[key], values, names)
            if not has_no_gradient(name)
        )
    return table


def signs(case, number, count):
    """[16, count] of ±1: bit j of word e is the sign of entry e in projection j."""
    words = philox.stream(case.weight_seed, count, first=number, second=PROJECTION_STREAM)
    return 1.0 - 2.0 * (words >> np.arange(PROJECTIONS, dtype=np.uint32)[:, None] & 1)


def write_tensors(group, key, tensors, case, complete):
    part, values, largest, projections = group.create_group(key), [], [], []
    for number, tensor in enumerate(tensors):
        flat = tensor.ravel()
        largest.append(np.abs(flat).max())
        if complete or flat.size <= COMPLETE_UP_TO:
            values.append(flat)
            projections.append(np.zeros(PROJECTIONS))
        else:
            chosen = philox.stream(case.weight_seed, SAMPLES, first=number, second=SAMPLE_STREAM) % flat.size
            values.append(flat[chosen])
            projections.append(signs(case, number, flat.size) @ flat)
    stored = dict(compression="gzip", compression_opts=9, shuffle=True)
    part.create_dataset("values", data=np.concatenate(values).astype(np.float32), **stored)
    part.create_dataset("largest", data=np.array(largest))
    part.create_dataset("projections", data=np.array(projections))


def description(case, complete):
    """What the Swift tests need to know of a case. The input's shape is left out where it is 12 rows of one channel,
    with no columns added."""
    named = lambda tensors: [{"name": name, "shape": shape} for name, shape in tensors]
    shape = {"rows": case.rows, "channels": case.channels, "padding": case.padding}
    shape |= {"normalized": case.normalized, "reset_after": case.reset_after}
    usual = shape == {"rows": 12, "channels": 1, "padding": (0, 0), "normalized": "frequency", "reset_after": True}
    return json.dumps(
        {
            "name": case.name,
            "segments": case.segments,
            "filters": case.filters,
            "pooling": case.pooling,
            "recurrent_units": case.recurrent_units,
            "tags": case.tags,
            "songs": case.songs,
            "seed": case.seed,
            "weight_seed": case.weight_seed,
            "dropout": case.dropout,
            "complete": complete,
            "trainable": named(case.trainable),
            "moving": named(case.moving),
        }
        | ({} if usual else shape)
    )


def write(group, case, found, complete):
    group.attrs["case"] = description(case, complete)
    for key in ("inference", "training"):
        group.create_dataset(key, data=found[key].astype(np.float32))
    group.create_dataset("losses", data=found["losses"])
    for key in ("gradients", "moving", "weights"):
        write_tensors(group, key, found[key], case, complete)


def show(title, table):
    print(f"  {title}: " + ", ".join(f"{key} {value:.1e} {name}".strip() for key, (value, name) in table.items()))


def verify(case, truth):
    from torch_network import TorchNetwork

    table = distances(run(TorchNetwork(case)), truth, case)
    show("PyTorch's double precision differs by", table)
    worst = max(value for value, _ in table.values())
    assert worst < 1e-11, f"{case.name}: Keras and PyTorch differ by {worst:.1e}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/golden/make", description=__doc__)
    parser.add_argument("set", nargs="?", choices=SETS, default="network", help="shapes: inputs of other shapes")
    parser.add_argument("--full", metavar="OUT.h5", help="write every value of every case to this file instead")
    parser.add_argument("--verify", action="store_true", help="write nothing; compare Keras with PyTorch")
    parser.add_argument("--only", metavar="CASE", help="this case alone (with --full or --verify)")
    options = parser.parse_args()
    if options.only and not (options.full or options.verify):
        parser.error("--only goes with --full or --verify: the stored file holds all cases")
    of_set, stored = SETS[options.set]
    chosen = [case for case in of_set if options.only in (None, case.name)]
    if not chosen:
        parser.error(f"--only {options.only}: the cases are {', '.join(case.name for case in of_set)}")
    philox.check_known_answers()
    path = pathlib.Path(options.full) if options.full else stored
    file = None if options.verify else h5py.File(path, "w")
    for case in chosen:
        print(case.name, flush=True)
        if options.verify and not case.reset_after:
            print("  PyTorch has no GRU that resets before the product; make layers holds that by itself")
            continue
        truth = run(KerasNetwork(case))
        if options.verify:
            verify(case, truth)
            continue
        gap = closest_competitors(case)
        print(f"  closest competitors in a pooling window: {gap:.2f} times the wanted gap")
        assert gap >= 1, f"{case.name}: find another seed with search.py"
        show("Keras's own single precision differs by", distances(run(KerasNetwork(case, "float32")), truth, case))
        write(file.create_group(case.name), case, truth, case.complete or bool(options.full))
    if file:
        file.close()
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
