"""Keras 3 on TensorFlow: seconds of a training step inside `fit`, or of `predict_on_batch`'s compiled function."""

import argparse
import os

parser = argparse.ArgumentParser()
parser.add_argument("--case", required=True)
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--warm-up", type=int, default=3)
parser.add_argument("--predict", action="store_true")
parser.add_argument("--jit", action="store_true", help="compile with XLA")
parser.add_argument("--unroll", action="store_true", help="GRUs as straight code instead of a loop")
options = parser.parse_args()

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from networks import TAGS, measure, shape_of, tell

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)


def network(shape):
    model = keras.Sequential([keras.Input((shape.rows, shape.columns, 1))])
    if shape.zeros:
        model.add(layers.ZeroPadding2D((0, shape.zeros)))
    model.add(layers.BatchNormalization(axis=2 if shape.normalizes_time else 1))
    for channels, window in zip(shape.filters, shape.pooling):
        model.add(layers.Conv2D(channels, 3, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ELU())
        model.add(layers.MaxPooling2D(window))
        model.add(layers.Dropout(0.1))
    model.add(layers.Reshape((-1, shape.filters[-1])))
    form = {"unroll": options.unroll, "reset_after": shape.resets_after}
    model.add(layers.GRU(shape.units, return_sequences=True, **form))
    model.add(layers.GRU(shape.units, **form))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(TAGS, activation="sigmoid"))
    return model


class StepClock(keras.callbacks.Callback):
    """Seconds from the end of one step to the end of the next: what `fit` needs for a step, all told."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


shape = shape_of(options.case)
random = np.random.default_rng(1)
songs = random.integers(0, 1001, (options.batch, shape.rows, shape.columns, 1)).astype(np.float32) / 1000
labels = (random.random((options.batch, TAGS)) < 0.1).astype(np.float32)
model = network(shape)
model.compile("adam", "binary_crossentropy", jit_compile=options.jit)

if options.predict:
    function = tf.function(lambda x: model(x, training=False), jit_compile=options.jit)
    batch = tf.constant(songs)
    seconds = measure(lambda: function(batch).numpy(), options.steps, options.warm_up)
else:
    clock = StepClock()
    total = options.warm_up + options.steps
    data = tf.data.Dataset.from_tensors((songs, labels)).repeat(total).prefetch(2)
    model.fit(data, steps_per_epoch=total, epochs=1, verbose=0, callbacks=[clock])
    seconds = list(np.diff(clock.ends)[options.warm_up - 1 :])
tell(options.batch, seconds, keras=keras.__version__, tensorflow=tf.__version__)
