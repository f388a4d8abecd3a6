"""Tags track files as one would in Python: h5py reads each file, Keras judges batches. Prints songs a second as JSON."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("weights", help="as crnn-dist export --format keras writes them")
parser.add_argument("tree", type=Path)
parser.add_argument("--songs", type=int, required=True, help="the first so many of the tree")
parser.add_argument("--segments", type=int, default=252)
parser.add_argument("--batch", type=int, default=256)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import h5py
import keras
import numpy as np
import tensorflow as tf

import keras_model

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)


def judge(model, batch):
    # One shape for all batches, so that nothing is compiled twice.
    full = np.zeros((options.batch, options.segments, 12), np.float32)
    full[: len(batch)] = batch
    return model.predict(full, batch_size=options.batch, verbose=0)[: len(batch)]


model, tags = keras_model.load(options.weights)
judge(model, [np.zeros((options.segments, 12), np.float32)])
start = time.perf_counter()
every = sorted(options.tree.rglob("*.h5"))
files = every[: options.songs]
# The whole tree is listed for some of its files: these answer for their share of it.
listing = (time.perf_counter() - start) * len(files) / max(1, len(every))
start = time.perf_counter()
reading, batch, told = 0.0, [], []
for path in files:
    before = time.perf_counter()
    with h5py.File(path, "r") as file:
        pitches = file["analysis/segments_pitches"][: options.segments]
        track_id = file["analysis/songs"]["track_id"][0].decode()
    reading += time.perf_counter() - before
    if len(pitches) < options.segments:
        continue
    batch.append(pitches)
    told.append(track_id)
    if len(batch) == options.batch:
        judge(model, batch)
        batch = []
if batch:
    judge(model, batch)
seconds = listing + time.perf_counter() - start
print(json.dumps({"songs": len(told), "songs_per_second": len(files) / seconds, "reading_share": reading / seconds,
                  "versions": {"keras": keras.__version__, "tensorflow": tf.__version__}}), flush=True)
