"""The network in Keras 3, layer for layer, in a stated precision. Dropout is a multiplication by given masks."""

import math
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

tf.config.set_visible_devices([], "GPU")


class KerasNetwork:
    """A case's model with its weights, input as [songs, segments, channels, rows]."""

    def __init__(self, case, dtype="float64"):
        keras.backend.clear_session()
        keras.config.set_floatx(dtype)
        self.case, self.dtype = case, dtype
        self.model = self._build()
        self.raw_maps = keras.Model(
            self.model.inputs,
            [self.model.get_layer(f"convolution_{i}").output for i in range(1, len(case.filters) + 1)],
        )
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        self.loss = keras.losses.BinaryCrossentropy()
        self.set_values(case.initial_values())
        self._gradients = tf.function(self._traced_gradients)
        self._maps = tf.function(lambda inputs: self.raw_maps(inputs, training=True))

    def _build(self):
        case, layers = self.case, keras.layers
        features = keras.Input((case.segments, case.channels, case.rows), name="features")
        masks = [keras.Input(shape, name=f"mask_{i}") for i, shape in enumerate(case.mask_shapes)]
        x = layers.Reshape((case.segments, case.channels * case.rows), name="columns")(features)
        x = layers.ZeroPadding1D(case.padding, name="padding")(x)
        if case.normalized == "frequency":
            x = layers.BatchNormalization(name="input_normalization")(x)
        x = layers.Reshape((case.columns, case.channels, case.rows), name="channels")(x)
        if case.normalized == "time":
            # Each column of each channel is a channel of the batch norm's for a moment, as axis=2 of the map for one.
            x = layers.Permute((3, 2, 1), name="rows_first")(x)
            x = layers.Reshape((case.rows, case.channels * case.columns), name="columns_last")(x)
            x = layers.BatchNormalization(name="input_normalization")(x)
            x = layers.Reshape((case.rows, case.channels, case.columns), name="normalized_columns")(x)
            x = layers.Permute((3, 2, 1), name="columns_first")(x)
        x = layers.Permute((3, 1, 2), name="map")(x)
        for index, (filters, window) in enumerate(zip(case.filters, case.pooling)):
            number = index + 1
            x = layers.Conv2D(filters, 3, padding="same", name=f"convolution_{number}")(x)
            x = layers.BatchNormalization(name=f"normalization_{number}")(x)
            x = layers.ELU(name=f"activation_{number}")(x)
            x = layers.MaxPooling2D(window, name=f"pooling_{number}")(x)
            x = layers.Multiply(name=f"dropout_{number}")([x, masks[index]])
        x = layers.Reshape((-1, case.filters[-1]), name="sequence")(x)
        form = {"reset_after": case.reset_after}
        x = layers.GRU(case.recurrent_units, return_sequences=True, name="recurrent_1", **form)(x)
        x = layers.GRU(case.recurrent_units, name="recurrent_2", **form)(x)
        x = layers.Multiply(name="final_dropout")([x, masks[-1]])
        x = layers.Dense(case.tags, activation="sigmoid", name="tags")(x)
        return keras.Model([features, *masks], x)

    def _variables(self, names):
        found = {}
        for variable in self.model.variables:
            layer, role = variable.path.split("/")[-3 if "gru_cell" in variable.path else -2], variable.name
            found[f"{layer}/{role}"] = variable
        return [found[name] for name, _ in names]

    @property
    def trainable(self):
        return self._variables(self.case.trainable)

    @property
    def moving(self):
        return self._variables(self.case.moving)

    def trainable_values(self):
        return [variable.numpy().reshape(shape) for variable, (_, shape) in zip(self.trainable, self.case.trainable)]

    def moving_values(self):
        return [variable.numpy().reshape(shape) for variable, (_, shape) in zip(self.moving, self.case.moving)]

    def set_values(self, values):
        for names in (self.case.trainable, self.case.moving):
            for (name, shape), variable in zip(names, self._variables(names)):
                flat = (math.prod(shape),) if name.startswith("input_normalization") else shape
                assert tuple(variable.shape) == flat, f"{name}: found {variable.shape}, expected {flat}"
                variable.assign(values[name].astype(self.dtype).reshape(flat))

    def inputs(self, step=1, seed=None, masked=True):
        """Inputs of a step; without dropout's masks (all ones) for inference."""
        features = self.case.features(seed)
        masks = self.case.masks(step, seed)
        if not masked:
            masks = [np.ones_like(mask) for mask in masks]
        return [tf.constant(values.astype(self.dtype)) for values in (features, *masks)]

    def labels(self, seed=None):
        return tf.constant(self.case.labels(seed).astype(self.dtype))

    def _traced_gradients(self, inputs, labels):
        with tf.GradientTape() as tape:
            output = self.model(inputs, training=True)
            loss = self.loss(labels, output)
        return output, loss, tape.gradient(loss, [variable.value for variable in self.trainable])

    def infer(self):
        return self.model(self.inputs(masked=False), training=False).numpy()

    def forward_backward(self, step=1):
        """Output, loss and all gradients in training mode; the moving statistics move as Keras moves them."""
        output, loss, gradients = self._gradients(self.inputs(step), self.labels())
        shaped = [gradient.numpy().reshape(shape) for gradient, (_, shape) in zip(gradients, self.case.trainable)]
        return output.numpy(), float(loss), shaped

    def apply(self, gradients):
        found = [tf.constant(gradient.reshape(v.shape)) for gradient, v in zip(gradients, self.trainable)]
        self.optimizer.apply(found, self.trainable)

    def restart_optimizer(self):
        """Forgets all moments and the number of steps."""
        for variable in self.optimizer.variables:
            if not variable.path.endswith("learning_rate"):
                variable.assign(tf.zeros_like(variable))

    def maps(self, step=1, seed=None):
        """The convolutions' outputs before normalisation, [songs, rows, columns, channels] each."""
        return [values.numpy() for values in self._maps(self.inputs(step, seed))]
