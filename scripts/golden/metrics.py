"""Makes the expected metrics of Tests/MetricsTests: scikit-learn's and Keras's on seeded random tables.

Run from the repository's root: python scripts/golden/metrics.py
Needs numpy, scikit-learn and tensorflow-cpu (made with 2.4.6, 1.9.1 and 2.21.0).

Scores are whole numbers over a grid of 1 to 1024 steps, written as integers, so that the file is small and
exact, and its scores are full of ties and of values on Keras's thresholds.
"""

import json
import os
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

CASES = 200
OUTPUT = "Tests/MetricsTests/Golden/metrics.json"


def table(case, random):
    """Scores in units of 1/grid and labels, both [songs, tags]."""
    songs = int(random.integers(1, 60))
    tags = int(random.integers(1, 7))
    grid = int(random.choice([1, 2, 5, 199, 398, 1000, 1024]))
    numerators = random.integers(0, grid + 1, size=(songs, tags))
    labels = (random.random((songs, tags)) < random.random(tags)).astype(int)
    if case % 10 == 0:  # A tag that no song has, then one that every song has.
        labels[:, 0] = case // 10 % 2
    if case % 17 == 0:  # All scores equal.
        numerators[:] = grid // 2
    if case % 23 == 0:  # Labels follow the scores without fault.
        labels = (numerators * 2 > grid).astype(int)
    return grid, numerators, labels


def roc_auc(labels, scores):
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < labels.size else None


def average_precision(labels, scores):
    return float(average_precision_score(labels, scores)) if labels.sum() > 0 else None


def mean(values):
    return float(np.mean(values)) if values else None


def expected(grid, numerators, labels):
    scores = (numerators.astype(np.float32) / np.float32(grid)).astype(np.float32)
    per_tag_auc = [roc_auc(labels[:, t], scores[:, t]) for t in range(labels.shape[1])]
    per_tag_precision = [average_precision(labels[:, t], scores[:, t]) for t in range(labels.shape[1])]
    defined = [t for t, auc in enumerate(per_tag_auc) if auc is not None]
    keras_auc = keras.metrics.AUC()
    keras_auc.update_state(labels.astype(np.float32), scores)
    loss = keras.losses.BinaryCrossentropy()(labels.astype(np.float32), scores)
    return {
        "grid": grid,
        "tags": int(labels.shape[1]),
        "numerators": numerators.ravel().tolist(),
        "labels": "".join(str(label) for label in labels.ravel()),
        "roc_auc": per_tag_auc,
        "average_precision": per_tag_precision,
        "macro": mean([per_tag_auc[t] for t in defined]),
        "macro_average_precision": mean([per_tag_precision[t] for t in defined]),
        "micro": roc_auc(labels.ravel(), scores.ravel()),
        "keras": float(keras_auc.result()),
        "loss": float(loss),
    }


def main():
    warnings.simplefilter("error")
    cases = []
    for case in range(CASES):
        cases.append(expected(*table(case, np.random.default_rng(20_000 + case))))
    with open(OUTPUT, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
    undefined = sum(value is None for case in cases for value in case["roc_auc"])
    print(f"{OUTPUT}: {CASES} cases, {undefined} tags without a defined ROC-AUC")


if __name__ == "__main__":
    main()
