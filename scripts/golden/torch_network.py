"""The same network in PyTorch, double precision, written from its own layers: a second witness to Keras's numbers.

PyTorch orders a GRU's gates reset, update, new where Keras has update, reset, new, counts a moving variance without
bias, and keeps the transposed kernels; weights go in and results come out in Keras's form."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class TorchNetwork(nn.Module):
    def __init__(self, case):
        super().__init__()
        self.case = case
        columns = case.rows if case.normalized == "frequency" else case.columns
        self.input_normalization = nn.BatchNorm1d(case.channels * columns, eps=1e-3, momentum=0.01)
        shapes = case.shapes
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for _, _, i, o, _ in shapes)
        self.normalizations = nn.ModuleList(nn.BatchNorm2d(o, eps=1e-3, momentum=0.01) for *_, o, _ in shapes)
        units = case.recurrent_units
        self.recurrent = nn.ModuleList(
            nn.GRU(inputs, units, batch_first=True) for inputs in (case.filters[-1], units)
        )
        self.tags = nn.Linear(units, case.tags)
        self.double()
        values = case.initial_values()
        with torch.no_grad():
            for (name, _), (parameter, form) in zip(case.trainable, self._places()):
                parameter.copy_(torch.from_numpy(form(values[name].astype(np.float64))))
            for (name, _), buffer in zip(case.moving, self._buffers_in_order()):
                buffer.copy_(torch.from_numpy(values[name].astype(np.float64).ravel()))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=1e-3, eps=1e-7)

    def _gates(self, values):
        """Keras's [..., update reset new] as PyTorch's [reset update new, ...], or back: both are their own
        inverse up to transposition."""
        update, reset, new = np.split(values, 3, axis=-1)
        return np.concatenate([reset, update, new], axis=-1)

    def _places(self):
        """Each tensor of the case with the parameter that holds it and the way there; GRU biases in two rows."""
        same = lambda values: values
        kernel = lambda values: np.ascontiguousarray(values.transpose(3, 2, 0, 1))
        matrix = lambda values: np.ascontiguousarray(self._gates(values).T)
        places = [(self.input_normalization.weight, np.ravel), (self.input_normalization.bias, np.ravel)]
        for convolution, normalization in zip(self.convolutions, self.normalizations):
            places += [(convolution.weight, kernel), (convolution.bias, same)]
            places += [(normalization.weight, same), (normalization.bias, same)]
        for layer in self.recurrent:
            places += [(layer.weight_ih_l0, matrix), (layer.weight_hh_l0, matrix), (_TwoBiases(layer), self._gates)]
        return places + [(self.tags.weight, lambda v: np.ascontiguousarray(v.T)), (self.tags.bias, same)]

    def _buffers_in_order(self):
        layers = [self.input_normalization, *self.normalizations]
        return [buffer for layer in layers for buffer in (layer.running_mean, layer.running_var)]

    def _as_keras(self, tensor_of):
        """Values of `tensor_of(parameter)` in the order and the form of the case's tensors."""
        found = []
        for (name, shape), (parameter, _) in zip(self.case.trainable, self._places()):
            values = tensor_of(parameter).detach().numpy()
            if values.ndim == 4:
                values = values.transpose(2, 3, 1, 0)
            elif "recurrent" in name:
                values = self._gates(values if name.endswith("bias") else values.T)
            elif values.ndim == 2:
                values = values.T
            elif name.startswith("input_normalization"):
                values = values.reshape(shape)
            assert values.shape == shape, name
            found.append(values.copy())
        return found

    def forward(self, features, masks):
        """`features` [songs, segments, channels, rows]; masks in Keras's form, channels last."""
        case = self.case
        x = F.pad(features.flatten(2).transpose(1, 2), case.padding)
        if case.normalized == "frequency":
            x = self.input_normalization(x).unflatten(1, (case.channels, case.rows))
        else:
            x = x.unflatten(1, (case.channels, case.rows)).transpose(2, 3).flatten(1, 2)
            x = self.input_normalization(x).unflatten(1, (case.channels, case.columns)).transpose(2, 3)
        for convolution, normalization, window, mask in zip(
            self.convolutions, self.normalizations, case.pooling, masks
        ):
            x = F.max_pool2d(F.elu(normalization(convolution(x))), window)
            x = x * torch.from_numpy(mask.transpose(0, 3, 1, 2).copy())
        x = x[:, :, 0].transpose(1, 2)
        x = self.recurrent[0](x)[0]
        x = self.recurrent[1](x)[0][:, -1]
        return torch.sigmoid(self.tags(x * torch.from_numpy(masks[-1])))

    def _features(self):
        return torch.from_numpy(self.case.features().astype(np.float64))

    def infer(self):
        self.eval()
        with torch.no_grad():
            return self(self._features(), [np.ones_like(mask) for mask in self.case.masks(1)]).numpy()

    def forward_backward(self, step):
        self.train()
        before = [buffer.clone() for buffer in self._buffers_in_order()]
        output = self(self._features(), self.case.masks(step))
        loss = F.binary_cross_entropy(output, torch.from_numpy(self.case.labels().astype(np.float64)))
        self.optimizer.zero_grad()
        loss.backward()
        self._remove_bias_of_variances(before)
        return output.detach().numpy(), float(loss.detach()), self._as_keras(lambda parameter: parameter.grad)

    def _remove_bias_of_variances(self, before):
        """PyTorch's moving variance takes n/(n-1) times the batch's; Keras's takes the batch's."""
        songs = len(self.case.songs)
        others = self.case.columns if self.case.normalized == "frequency" else self.case.rows
        counts = [songs * others] + [songs * rows * columns for rows, columns, *_ in self.case.shapes]
        with torch.no_grad():
            for buffer, old, count in zip(self._buffers_in_order()[1::2], before[1::2], counts):
                buffer.copy_(0.99 * old + (buffer - 0.99 * old) * (count - 1) / count)

    def apply(self, gradients):
        """A step of Adam in Keras's form: ε is added before the bias correction, and the correction is computed
        from β rounded to single precision, in a double precision model too."""
        step = 1 + next((int(state["step"]) for state in self.optimizer.state.values()), 0)
        rounded = np.sqrt(1 - float(np.float32(0.999)) ** step) / (1 - float(np.float32(0.9)) ** step)
        exact = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        group = self.optimizer.param_groups[0]
        group["lr"] = 1e-3 * rounded / exact
        group["eps"] = 1e-7 / np.sqrt(1 - 0.999**step)
        self.optimizer.step()

    def trainable_values(self):
        return self._as_keras(lambda parameter: parameter)

    def moving_values(self):
        found = zip(self._buffers_in_order(), self.case.moving)
        return [buffer.numpy().reshape(shape).copy() for buffer, (_, shape) in found]


class _TwoBiases:
    """A GRU's two bias vectors as Keras's one tensor of two rows."""

    def __init__(self, layer):
        self.layer = layer

    def copy_(self, rows):
        self.layer.bias_ih_l0.copy_(rows[0])
        self.layer.bias_hh_l0.copy_(rows[1])

    @property
    def grad(self):
        return torch.stack([self.layer.bias_ih_l0.grad, self.layer.bias_hh_l0.grad])

    def detach(self):
        return torch.stack([self.layer.bias_ih_l0, self.layer.bias_hh_l0]).detach()
