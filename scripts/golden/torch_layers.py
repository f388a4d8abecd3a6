"""The single layers in PyTorch, double precision: a second witness to Keras's numbers. PyTorch has no GRU that
resets the state before the product, so that one is written out."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def run(case):
    """As `keras_layers.run`."""
    weights = [torch.from_numpy(values.astype(np.float64)).requires_grad_() for values in case.weights()]
    outputs, input_gradients = [], []
    for values, upstream in zip(case.inputs_of_songs(), case.upstream_of_songs()):
        inputs = torch.from_numpy(values.astype(np.float64)).requires_grad_()
        output = _compute(case, inputs, weights)
        (output * torch.from_numpy(upstream.astype(np.float64))).sum().backward()
        outputs.append(output.detach().numpy())
        input_gradients.append(inputs.grad.numpy())
    return {
        "outputs": outputs,
        "input_gradients": input_gradients,
        "weight_gradients": [weight.grad.numpy() for weight in weights],
    }


def _compute(case, x, weights):
    if case.layer == "dense":
        return F.elu(x @ weights[0] + weights[1])
    if case.layer == "padding":
        return F.pad(x, (0, 0, case.before, case.after))
    if case.layer == "mean_max":
        return _mean_and_maximum(x)
    forward = _states(case, x, weights[:3])
    directions = [forward]
    if case.bidirectional:
        directions.append(_states(case, x.flip(0), weights[3:]).flip(0))
    if case.returns == "last":
        return torch.cat([states[-1 if number == 0 else 0] for number, states in enumerate(directions)])
    states = torch.cat(directions, dim=1)
    return states if case.returns == "all" else _mean_and_maximum(states)


def _mean_and_maximum(x):
    return torch.cat([x.mean(dim=0), x.amax(dim=0)])


def _states(case, x, weights):
    return (_reset_after if case.reset_after else _reset_before)(x, *weights, case.units)


def _reset_after(x, kernel, recurrent_kernel, bias, units):
    """PyTorch's own GRU; its gates are reset, update, new where Keras has update, reset, new."""

    def gates(values):
        update, reset, new = values.split(units, dim=-1)
        return torch.cat([reset, update, new], dim=-1)

    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    values = (gates(kernel).T, gates(recurrent_kernel).T, gates(bias[0]), gates(bias[1]))
    module = nn.GRU(x.shape[1], units, batch_first=True).double()
    return torch.func.functional_call(module, dict(zip(names, values)), (x[None],))[0][0]


def _reset_before(x, kernel, recurrent_kernel, bias, units):
    """z, r = σ(x K + b + h U); h~ = tanh(x K + b + (r ⊙ h) U); h' = z ⊙ h + (1 − z) ⊙ h~."""
    state, states = torch.zeros(units, dtype=x.dtype), []
    for given in x @ kernel + bias:
        gates = torch.sigmoid(given[: 2 * units] + state @ recurrent_kernel[:, : 2 * units])
        update, reset = gates.split(units)
        new = torch.tanh(given[2 * units :] + (reset * state) @ recurrent_kernel[:, 2 * units :])
        state = update * state + (1 - update) * new
        states.append(state)
    return torch.stack(states)
