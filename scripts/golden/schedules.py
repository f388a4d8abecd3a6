"""Golden learning rates: Keras's and PyTorch's schedules, step by step, in double precision (see README.md)."""

import argparse
import json
import math
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import torch
from torch.optim import lr_scheduler

keras.config.set_floatx("float64")

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORED = ROOT / "Tests" / "NetworksTests" / "Golden" / "schedules.json"

PEAK = 0.004

CASES = [
    dict(name="constant", kind="constant", steps=40),
    dict(name="constant-1-step", kind="constant", steps=1),
    dict(name="cosine", kind="cosine", steps=40, warmup_steps=8, initial=0.0, floor=0.0002),
    dict(name="cosine-from-above-zero", kind="cosine", steps=40, warmup_steps=5, initial=0.001, floor=0.0),
    dict(name="cosine-no-warmup", kind="cosine", steps=40, warmup_steps=0, initial=0.0, floor=0.0002),
    dict(name="cosine-no-warmup-to-zero", kind="cosine", steps=40, warmup_steps=0, initial=0.0, floor=0.0),
    dict(name="cosine-all-warmup", kind="cosine", steps=40, warmup_steps=40, initial=0.0, floor=0.0002),
    dict(name="cosine-all-warmup-but-one", kind="cosine", steps=40, warmup_steps=39, initial=0.0, floor=0.0002),
    dict(name="cosine-1-step", kind="cosine", steps=1, warmup_steps=0, initial=0.0, floor=0.0002),
    dict(name="cosine-1-step-of-warmup", kind="cosine", steps=1, warmup_steps=1, initial=0.001, floor=0.0002),
    dict(name="step", kind="step", steps=40, steps_per_epoch=5, every=3, factor=0.5),
    dict(name="step-every-epoch", kind="step", steps=40, steps_per_epoch=7, every=1, factor=0.1),
    dict(name="step-beyond-the-end", kind="step", steps=40, steps_per_epoch=10, every=9, factor=0.1),
    dict(name="step-1-step", kind="step", steps=1, steps_per_epoch=1, every=1, factor=0.5),
    *(
        dict(name=name, kind="one_cycle", steps=steps, start_share=0.3, start_divisor=25.0, end_divisor=1e4)
        for name, steps in (
            ("one-cycle", 40), ("one-cycle-10-steps", 10), ("one-cycle-3-steps", 3), ("one-cycle-2-steps", 2),
            ("one-cycle-1-step", 1),
        )
    ),
    dict(
        name="one-cycle-long-start", kind="one_cycle", steps=40, start_share=0.5, start_divisor=10.0,
        end_divisor=100.0,
    ),
]  # fmt: skip
"""Every case's highest rate is PEAK."""
IN_KERAS = ("cosine", "step")


def of_keras(case):
    """CosineDecay, and ExponentialDecay in stairs; numpy's doubles, since Keras would round Python's."""
    schedules, peak = keras.optimizers.schedules, np.float64(PEAK)
    if case["kind"] == "step":
        schedule = schedules.ExponentialDecay(
            peak, case["every"] * case["steps_per_epoch"], np.float64(case["factor"]), staircase=True
        )
    else:
        warmup = case["warmup_steps"]
        schedule = schedules.CosineDecay(
            np.float64(case["initial"]) if warmup else peak,
            max(1, case["steps"] - warmup),
            alpha=case["floor"] / PEAK,
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    rates = [schedule(np.int64(step)) for step in range(case["steps"])]
    assert all(rate.dtype == "float64" for rate in rates)
    return [float(rate) for rate in rates]


def of_torch(case):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=PEAK)
    steps, kind = case["steps"], case["kind"]
    if kind == "constant":
        scheduler = lr_scheduler.ConstantLR(optimizer, factor=1.0)
    elif kind == "step":
        scheduler = lr_scheduler.StepLR(optimizer, case["every"], case["factor"])
    elif kind == "one_cycle":
        scheduler = lr_scheduler.OneCycleLR(
            optimizer, PEAK, total_steps=steps, pct_start=case["start_share"], div_factor=case["start_divisor"],
            final_div_factor=case["end_divisor"],
        )  # fmt: skip
    else:
        return _chained(case, optimizer)
    rates = []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        stepped = kind != "step" or (step + 1) % case["steps_per_epoch"] == 0
        if stepped and step + 1 < steps:
            scheduler.step()
    return rates


def _chained(case, optimizer):
    """PyTorch's cosine annealing behind its linear warm-up."""
    steps, warmup = case["steps"], case["warmup_steps"]
    rates = [case["initial"] + (PEAK - case["initial"]) * step / warmup for step in range(warmup)]
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps - warmup), eta_min=case["floor"])
    for _ in range(steps - warmup):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def by_formula(case):
    """What README.md says of the schedules, written down once more."""
    steps, peak, kind = case["steps"], PEAK, case["kind"]
    if kind == "constant":
        return [peak] * steps
    if kind == "step":
        width = case["every"] * case["steps_per_epoch"]
        return [peak * case["factor"] ** (step // width) for step in range(steps)]
    between = lambda start, end, share: end + (start - end) / 2 * (1 + math.cos(math.pi * share))
    if kind == "cosine":
        warmup, initial = case["warmup_steps"], case["initial"]
        return [
            initial + (peak - initial) * step / warmup
            if step < warmup
            else between(peak, case["floor"], (step - warmup) / (steps - warmup))
            for step in range(steps)
        ]
    start, turn, last = peak / case["start_divisor"], case["start_share"] * steps - 1, steps - 1
    end = start / case["end_divisor"]
    return [
        between(start, peak, step / turn) if step <= turn else between(peak, end, (step - turn) / (last - turn))
        for step in range(steps)
    ]


def distance(found, truth):
    assert len(found) == len(truth)
    return max(abs(mine - theirs) for mine, theirs in zip(found, truth)) / PEAK


def rates_of(case):
    """Keras's where it has the schedule, else PyTorch's."""
    return of_keras(case) if case["kind"] in IN_KERAS else of_torch(case)


def verify(case, truth):
    witnesses = {"the formula": by_formula}
    if case["kind"] in IN_KERAS:
        witnesses["PyTorch"] = of_torch
    found = {name: distance(rates(case), truth) for name, rates in witnesses.items()}
    print(f"{case['name']}: " + ", ".join(f"{name} differs by {value:.1e}" for name, value in found.items()))
    assert max(found.values()) < 1e-14, f"{case['name']}: the witnesses differ"


def main():
    parser = argparse.ArgumentParser(prog="scripts/golden/make schedules", description=__doc__)
    parser.add_argument("--verify", action="store_true", help="write nothing; compare Keras with PyTorch")
    options = parser.parse_args()
    stored = []
    for case in CASES:
        truth = rates_of(case)
        verify(case, truth)
        stored.append(json.dumps(case | {"learning_rate": PEAK, "rates": truth}, separators=(",", ":")))
    if not options.verify:
        STORED.write_text("[\n" + ",\n".join(stored) + "\n]\n")
        print(f"{STORED}: {STORED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
