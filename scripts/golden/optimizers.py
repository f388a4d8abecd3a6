"""Golden numbers of the optimisers, computed by Keras 3 in double precision (see README.md)."""

import argparse
import pathlib

import h5py
import numpy as np

import keras_optimizers
import optimizer_cases
import philox

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORED = ROOT / "Tests" / "NetworksTests" / "Golden" / "optimizers.h5"


def table(found):
    """Each of what was computed as [stored steps, all values]."""
    return {
        name: np.array([np.concatenate([tensor.ravel() for tensor in tensors]) for tensors in steps])
        for name, steps in found.items()
    }


def verify(case, truth):
    import torch_optimizers

    found, witness = torch_optimizers.run(case)
    found = table(found)
    worst = {name: np.abs(found[name] - values).max() / np.abs(values).max() for name, values in truth.items()}
    print(f"  {witness} differs by: " + ", ".join(f"{name} {value:.1e}" for name, value in worst.items()))
    assert max(worst.values()) < 1e-13, f"{case.name}: Keras and the second witness differ"


def main():
    parser = argparse.ArgumentParser(prog="scripts/golden/make optimizers", description=__doc__)
    parser.add_argument("--verify", action="store_true", help="write nothing; compare Keras with PyTorch")
    options = parser.parse_args()
    philox.check_known_answers()
    file = None if options.verify else h5py.File(STORED, "w")
    for case in optimizer_cases.CASES:
        print(case.name, flush=True)
        truth = table(keras_optimizers.run(case))
        assert all(values.shape == (3, optimizer_cases.count()) for values in truth.values())
        if options.verify:
            verify(case, truth)
            continue
        group = file.create_group(case.name)
        group.attrs["case"] = case.description()
        group.create_dataset("rates", data=np.array(case.rates))
        for name, values in truth.items():
            group.create_dataset(name, data=values if name == "weights" else values.astype(np.float32))
    if file:
        file.close()
        print(f"{STORED}: {STORED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
