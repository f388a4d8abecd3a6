"""Golden numbers of single layers, computed by Keras 3 in double precision (see README.md)."""

import argparse
import pathlib

import h5py
import numpy as np

import keras_layers
import layer_cases
import philox

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORED = ROOT / "Tests" / "NetworksTests" / "Golden" / "layers.h5"

CLOSEST = 1e-5
"""Maxima over time are further than this from the next largest value, so that rounding does not choose."""


def distance(found, truth):
    """The largest difference as a share of the largest true value, over a list of arrays; 0 for an empty list."""
    pairs = list(zip(found, truth, strict=True))
    return max((float(np.abs(mine - theirs).max() / np.abs(theirs).max()) for mine, theirs in pairs), default=0.0)


def distances(found, truth):
    return {key: distance(found[key], values) for key, values in truth.items()}


def show(title, table):
    print(f"  {title}: " + ", ".join(f"{key} {value:.1e}" for key, value in table.items()))


def verify(case, truth):
    import torch_layers

    table = distances(torch_layers.run(case), truth)
    show("PyTorch's double precision differs by", table)
    assert max(table.values()) < 1e-12, f"{case.name}: Keras and PyTorch differ"


def write(group, case, found):
    group.attrs["case"] = case.description()
    for key, arrays in found.items():
        flat = np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)
        compressed = dict(compression="gzip", compression_opts=9, shuffle=True) if flat.size > 1000 else {}
        group.create_dataset(key, data=flat.astype(np.float32), **compressed)


def main():
    parser = argparse.ArgumentParser(prog="scripts/golden/make layers", description=__doc__)
    parser.add_argument("--verify", action="store_true", help="write nothing; compare Keras with PyTorch")
    options = parser.parse_args()
    philox.check_known_answers()
    file = None if options.verify else h5py.File(STORED, "w")
    for case in layer_cases.CASES:
        print(case.name, flush=True)
        truth = keras_layers.run(case)
        if options.verify:
            verify(case, truth)
            continue
        gap = keras_layers.closest_maxima(case)
        assert gap > CLOSEST, f"{case.name}: two values of a maximum over time are {gap:.1e} apart"
        show("Keras's own single precision differs by", distances(keras_layers.run(case, "float32"), truth))
        write(file.create_group(case.name), case, truth)
    if file:
        file.close()
        print(f"{STORED}: {STORED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
