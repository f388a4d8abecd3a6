"""Counts the parameters of Choi's original network and of the paper's five budgets in Keras: what
PublishedNetworkTests hold. Prints one line each."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

POOLING = ((2, 2), (3, 3), (4, 4), (4, 4))
NETWORKS = {
    "original": (64, 128, 32, 2),
    "0.1 M": (30, 60, 30, 1),
    "0.25 M": (48, 96, 48, 1),
    "0.5 M": (68, 137, 68, 1),
    "1 M": (96, 195, 96, 1),
    "3 M": (169, 339, 169, 1),
}
"""Channels of the first convolution and of the others, units, the axis of the input's batch norm: 1 bands, 2 time."""


def network(first, others, units, axis):
    model = keras.Sequential([keras.Input((96, 1366, 1)), layers.ZeroPadding2D((0, 37))])
    model.add(layers.BatchNormalization(axis=axis))
    for channels, window in zip((first, others, others, others), POOLING):
        model.add(layers.Conv2D(channels, 3, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ELU())
        model.add(layers.MaxPooling2D(window))
        model.add(layers.Dropout(0.1))
    model.add(layers.Reshape((15, others)))
    model.add(layers.GRU(units, return_sequences=True, reset_after=False))
    model.add(layers.GRU(units, reset_after=False))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(50, activation="sigmoid"))
    return model


for name, shape in NETWORKS.items():
    model = network(*shape)
    counts = [sum(int(np.prod(v.shape)) for v in group) for group in (model.trainable_variables, model.non_trainable_variables)]
    print(f"{name}: {counts[0]:,} trainable, {counts[1]:,} moving statistics and seeds of dropout")
