"""The optimisers in Keras 3. Numbers go in as numpy's doubles: Keras would round Python's to single precision."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import optimizer_cases


class PublishedLamb(keras.optimizers.Lamb):
    """LAMB with weight decay where You et al. 2020 have it, Algorithm 2: in the update, before its length is taken.
    Keras's own shrinks the weights by learning rate times decay before the step instead."""

    def __init__(self, *, inner_decay, decaying, **named):
        super().__init__(**named)
        self.inner_decay, self.decaying = inner_decay, decaying

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (tf.square(gradient) - v) * (1 - self.beta_2))
        first = m / (1 - tf.pow(self.beta_1, step))
        second = v / (1 - tf.pow(self.beta_2, step))
        update = first / (tf.sqrt(second) + self.epsilon)
        if self.decaying[index]:
            update = update + self.inner_decay * variable
        length, update_length = tf.norm(variable), tf.norm(update)
        ratio = tf.where((length > 0) & (update_length > 0), length / update_length, tf.ones_like(length))
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * ratio * update)


def optimizer_of(case, variables):
    double, optimizers = np.float64, keras.optimizers
    common = dict(learning_rate=case.learning_rate)
    if case.weight_decay and not case.decay_in_trust_ratio:
        common["weight_decay"] = double(case.weight_decay)
    if case.optimizer == "sgd":
        found = optimizers.SGD(**common, momentum=double(case.momentum), nesterov=case.nesterov)
    else:
        common |= dict(beta_1=double(case.beta_1), beta_2=double(case.beta_2), epsilon=case.epsilon)
        if case.optimizer == "adam":
            found = (optimizers.AdamW if case.weight_decay else optimizers.Adam)(**common)
        elif case.decay_in_trust_ratio:
            decaying = [optimizer_cases.decays(name) for name, _ in optimizer_cases.TENSORS]
            found = PublishedLamb(inner_decay=case.weight_decay, decaying=decaying, **common)
        else:
            found = optimizers.Lamb(**common)
    if case.weight_decay:
        kept = [v for (name, _), v in zip(optimizer_cases.TENSORS, variables) if not optimizer_cases.decays(name)]
        found.exclude_from_weight_decay(var_list=kept)
    found.build(variables)
    return found


def run(case):
    """Weights and state after each stored step: name to a list (over these steps) of lists of tensors."""
    keras.backend.clear_session()
    keras.config.set_floatx("float64")
    variables = [keras.Variable(values, dtype="float64") for values in optimizer_cases.initial_weights()]
    optimizer = optimizer_of(case, variables)
    assert optimizer.learning_rate.dtype == "float64"
    state = [[], []]
    if case.optimizer == "sgd":
        state = [optimizer.momentums]
    else:
        state = [optimizer._momentums, optimizer._velocities]
    found = {name: [] for name in ["weights", *case.state_names]}
    for step, rate in enumerate(case.rates, 1):
        optimizer.learning_rate = np.float64(rate)
        optimizer.apply([tf.constant(gradient) for gradient in optimizer_cases.gradients(step)], variables)
        if step in optimizer_cases.STORED_AFTER:
            for name, tensors in zip(found, [variables, *state]):
                found[name].append([tensor.numpy() for tensor in tensors])
    return found
