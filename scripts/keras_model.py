#!/usr/bin/env python3
"""The network of an exported model in Keras 3, on any of its backends.

    crnn-dist export --checkpoint best.h5 --format keras --out tagger.weights.h5

    import keras_model
    model, tags = keras_model.load("tagger.weights.h5")
    probabilities = model.predict(pitches)          # [songs, segments, 12], as track files have them

A network may also begin in Keras, and go to crnn-dist from there:

    description = keras_model.describe([60, 60, 60], [(2, 2), (2, 2), (3, 3)], 30, tags)
    model = keras_model.build(description)
    ...                                             # compile, fit
    keras_model.save(model, description, "tagger.weights.h5")

    crnn-dist import --format keras --weights tagger.weights.h5 --config small-252.yaml --out tagger.h5

As a program it shows the layers, and keeps the whole model: keras_model.py tagger.weights.h5 --save tagger.keras
docs/exchange.md names every weight with its shape and the order of its axes and gates.
"""

import argparse
import json
import math

import h5py
import keras
import numpy
from keras import layers

DESCRIPTION = "crnn_dist/description"


def load(path):
    """The model of an exported file with its weights, and the tags in the order of its outputs."""
    description = read_description(path)
    model = build(description)
    model.load_weights(path)
    return model, description["tags"]


def read_description(path):
    with h5py.File(path) as file:
        if DESCRIPTION not in file:
            raise ValueError(f"{path}: describes no network; crnn-dist export and keras_model.save write one")
        return json.loads(file[DESCRIPTION][()])


def save(model, description, path):
    """Saves weights as model.save_weights does, and what they are of."""
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file[DESCRIPTION] = numpy.bytes_(json.dumps(description).encode())


def describe(filters, pooling, recurrent_units, tags, features=("pitches",), segments=252, scales=None,
             convolution_dropout=0.1, final_dropout=0.3):
    """Describes a network of crnn-dist as exported files do.

    filters: channels of each convolution. pooling: rows and segments of each window; the rows multiply to those of the
    features, 12.
    scales: for each feature that is scaled, as timbre is, means and deviations of its 12 values over all segments.
    """
    found = [{"kind": "input_normalization", "name": "input_normalization"}]
    for number, (channels, window) in enumerate(zip(filters, pooling, strict=True), start=1):
        found += [
            {"kind": "convolution", "name": f"convolution_{number}", "filters": channels},
            {"kind": "normalization", "name": f"normalization_{number}"},
            {"kind": "elu"},
            {"kind": "max_pooling", "window": list(window)},
            {"kind": "dropout", "rate": convolution_dropout},
        ]
    for number, every_step in ((1, True), (2, False)):
        found.append({"kind": "gru", "name": f"recurrent_{number}", "units": recurrent_units, "reset_after": True,
                      "return_sequences": every_step, "bidirectional": False})
    found += [{"kind": "dropout", "rate": final_dropout},
              {"kind": "dense", "name": "tags", "units": len(tags), "activation": "sigmoid"}]
    inputs = []
    for name in features:
        inputs.append({"name": name})
        if scales and name in scales:
            mean, deviation = scales[name]
            inputs[-1] |= {"mean": [float(x) for x in mean], "deviation": [float(x) for x in deviation]}
    return {"format_version": 1, "inputs": inputs, "rows": math.prod(window[0] for window in pooling), "segments": segments,
            "shortest_song": math.prod(window[1] for window in pooling), "layers": found, "tags": list(tags),
            "normalization_epsilon": 1e-3, "gate_order": "z, r, h"}


def build(description):
    """The model that a description is of, with initial weights. Any batch, and any number of segments, but where each
    segment has a batch norm of its own."""
    rows, epsilon = description["rows"], description["normalization_epsilon"]
    # A batch norm of each column knows songs of one length.
    fixed = any(layer.get("columns") for layer in description["layers"])
    segments = description["segments"] if fixed else None
    inputs, values, song = [], [], None
    for one in description["inputs"]:
        width = (one.get("width") or rows,)
        inputs.append(keras.Input(width if one.get("of_song") else (segments, *width), name=one["name"]))
        if one.get("of_song"):
            song = one, inputs[-1]
        else:
            values.append(scaled(one, inputs[-1]))
    x = None
    if values:
        x = layers.Concatenate(name="features")(values) if len(values) > 1 else values[0]
    x = through(description["layers"], x, song, rows, epsilon)
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, x, name="tagger")


def through(described, x, song, rows, epsilon):
    """What layers make of x; song is the description and the input of what is known of whole songs."""
    is_map = False
    for layer in described:
        kind, name = layer["kind"], layer.get("name")
        if kind == "convolution" and not is_map:
            # Each feature's rows, then segments, then features as channels.
            x = layers.Reshape((-1, x.shape[-1] // rows, rows))(x)
            x = layers.Permute((3, 1, 2))(x)
            is_map = True
        if kind in ("gru", "time_summary", "branches") and is_map:
            # One row is left.
            x = layers.Reshape((-1, x.shape[-1]))(x)
            is_map = False
        match kind:
            case "zero_padding":
                around = (layer["before"], layer["after"])
                x = layers.ZeroPadding2D(((0, 0), around))(x) if is_map else layers.ZeroPadding1D(around)(x)
            case "input_normalization" | "normalization":
                axis = 1 if layer.get("columns") else -1
                x = layers.BatchNormalization(axis=axis, epsilon=epsilon, name=name)(x)
            case "convolution":
                x = layers.Conv2D(layer["filters"], 3, padding="same", name=name)(x)
            case "elu":
                x = layers.ELU()(x)
            case "relu":
                x = layers.ReLU()(x)
            case "max_pooling":
                x = layers.MaxPooling2D(layer["window"])(x)
            case "dropout":
                x = layers.Dropout(layer["rate"])(x)
            case "gru":
                x = recurrent(layer)(x)
            case "time_summary":
                x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
            case "dense":
                x = layers.Dense(layer["units"], activation=layer.get("activation"), use_bias=layer.get("bias", True),
                                 name=name)(x)
            case "song_values":
                # Near the mean the number itself, far from it its logarithm.
                x = keras.ops.arcsinh(scaled(*song))
            case "branches":
                x = side_by_side(layer["branches"], x, song, rows, epsilon)
            case _:
                raise ValueError(f"the layer {kind} is not known here")
    return x


def side_by_side(branches, x, song, rows, epsilon):
    vectors = []
    for branch in branches:
        if branch["of_song"]:
            # A model of its own: in one with the others Keras would number the layers by their distance from the output.
            description, outer = song
            inner = keras.Input(outer.shape[1:], name=f"{description['name']}_values")
            vector = through(branch["layers"], None, (description, inner), rows, epsilon)
            vectors.append(keras.Model(inner, vector, name=description["name"] + "_branch")(outer))
        else:
            vectors.append(through(branch["layers"], x, song, rows, epsilon))
    return layers.Concatenate()(vectors) if len(vectors) > 1 else vectors[0]


def scaled(description, x):
    if description.get("mean") is None:
        return x
    scale = layers.Normalization(name=f"{description['name']}_standardization")
    scale.build(x.shape)
    deviation = numpy.array(description["deviation"], "float32")
    scale.set_weights([numpy.array(description["mean"], "float32"), deviation * deviation, numpy.array(0, "int32")])
    scale.finalize_state()
    return scale(x)


def recurrent(layer):
    options = {"return_sequences": layer["return_sequences"], "reset_after": layer["reset_after"]}
    if layer["bidirectional"]:
        return layers.Bidirectional(layers.GRU(layer["units"], **options), name=layer["name"])
    return layers.GRU(layer["units"], **options, name=layer["name"])


def main():
    parser = argparse.ArgumentParser(description="Shows the layers of an exported model, and keeps it as a Keras model.")
    parser.add_argument("weights", help="what crnn-dist export --format keras has written")
    parser.add_argument("--save", metavar="MODEL.keras", help="where to keep the whole model")
    arguments = parser.parse_args()
    model, tags = load(arguments.weights)
    model.summary()
    print(f"tags: {', '.join(tags)}")
    if arguments.save:
        model.save(arguments.save)


if __name__ == "__main__":
    main()
