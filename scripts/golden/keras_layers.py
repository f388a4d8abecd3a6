"""The single layers in Keras 3: outputs of each song, and gradients of Σ upstream · output."""

import os
from dataclasses import replace

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

tf.config.set_visible_devices([], "GPU")


def layers_of(case):
    """The Keras layer that has the weights (None where nothing has), and the whole computation."""
    layers = keras.layers
    if case.layer == "dense":
        layer = layers.Dense(case.units, activation="elu")
        return layer, layer
    if case.layer == "padding":
        return None, layers.ZeroPadding2D(((0, 0), (case.before, case.after)))
    if case.layer == "mean_max":
        return None, mean_and_maximum
    layer = layers.GRU(case.units, reset_after=case.reset_after, return_sequences=case.returns != "last")
    if case.bidirectional:
        layer = layers.Bidirectional(layer)
    return layer, (lambda x: mean_and_maximum(layer(x))) if case.returns == "mean_max" else layer


def mean_and_maximum(x):
    layers = keras.layers
    return layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])


def run(case, dtype="float64"):
    """Outputs and gradients for the inputs, a list over the songs each, and gradients for the weights, summed over
    the songs. Each song is a batch of its own; where all are equally long, one batch of all must give the same."""
    keras.backend.clear_session()
    keras.config.set_floatx(dtype)
    given = zip(case.inputs_of_songs(), case.upstream_of_songs())
    songs = [(values.astype(dtype)[None], upstream.astype(dtype)[None]) for values, upstream in given]
    outputs, input_gradients, weight_gradients = _sum_over_batches(case, songs, dtype)
    if len(set(case.lengths)) == 1:
        together = [tuple(np.concatenate(values) for values in zip(*songs))]
        batch = _sum_over_batches(case, together, dtype)
        bound = 1e-13 if dtype == "float64" else 1e-5
        for one, all_ in zip((*outputs, *weight_gradients), (*batch[0], *batch[2])):
            share = np.abs(one - all_).max() / max(1, np.abs(one).max())
            assert share <= bound, f"{case.name}: a batch of all songs differs from one of each by {share:.1e}"
    return {"outputs": outputs, "input_gradients": input_gradients, "weight_gradients": weight_gradients}


def _sum_over_batches(case, batches, dtype):
    layer, compute = layers_of(case)
    variables = []
    if layer is not None:
        layer.build(batches[0][0].shape)
        variables = layer.trainable_variables
        for (name, shape), variable, values in zip(case.tensors, variables, case.weights(), strict=True):
            assert tuple(variable.shape) == shape and variable.path.endswith(name.split("/")[-1]), variable.path
            variable.assign(values.astype(dtype))
    outputs, input_gradients = [], []
    weight_gradients = [np.zeros(shape) for _, shape in case.tensors]
    for values, upstream in batches:
        inputs = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = compute(inputs)
        found = tape.gradient(output, [inputs, *(v.value for v in variables)], tf.constant(upstream))
        assert output.dtype == dtype
        outputs += list(output.numpy())
        input_gradients += list(found[0].numpy())
        for sum_, gradient in zip(weight_gradients, found[1:]):
            sum_ += gradient.numpy()
    return outputs, input_gradients, weight_gradients


def closest_maxima(case):
    """The smallest gap between a maximum over time and the next largest value; infinite where none is taken."""
    if case.layer == "mean_max":
        sequences = case.inputs_of_songs()
    elif case.returns == "mean_max":
        sequences = run(replace(case, returns="all"))["outputs"]
    else:
        return np.inf
    best = [np.sort(values, axis=0)[-2:] for values in sequences if len(values) > 1]
    return float(min((two[1] - two[0]).min() for two in best))
