"""The optimisers in PyTorch, double precision, and by formula where PyTorch has no such one: a second witness."""

import numpy as np
import torch

import optimizer_cases


def run(case):
    """As `keras_optimizers.run`, and who computed it."""
    if case.optimizer == "lamb":
        return _run(case, _by_formula(_lamb)), "The formula"
    if case.momentum and case.scheduled:  # PyTorch's velocity holds gradients, Keras's holds steps.
        return _run(case, _by_formula(_sgd)), "The formula"
    return _run(case, _torch_step), "PyTorch"


def _run(case, step_of):
    weights = [torch.from_numpy(values.copy()) for values in optimizer_cases.initial_weights()]
    step = step_of(case, weights)
    found = {name: [] for name in ["weights", *case.state_names]}
    for number, rate in enumerate(case.rates, 1):
        state = step(number, rate, [torch.from_numpy(values) for values in optimizer_cases.gradients(number)])
        if number in optimizer_cases.STORED_AFTER:
            for name, tensors in zip(found, [weights, *state]):
                found[name].append([tensor.detach().numpy().copy() for tensor in tensors])
    return found


def _torch_step(case, weights):
    named = list(zip(optimizer_cases.TENSORS, weights))
    decaying = [weight for (name, _), weight in named if optimizer_cases.decays(name)]
    others = [weight for (name, _), weight in named if not optimizer_cases.decays(name)]
    groups = [{"params": decaying, "weight_decay": case.weight_decay}, {"params": others, "weight_decay": 0}]
    if case.optimizer == "adam":
        optimizer = torch.optim.AdamW(groups, betas=(case.beta_1, case.beta_2))
    else:  # PyTorch's weight_decay of SGD is not decoupled; the shrinking is done by hand.
        groups = [group | {"weight_decay": 0} for group in groups]
        optimizer = torch.optim.SGD(groups, momentum=case.momentum, nesterov=case.nesterov, lr=case.learning_rate)

    def step(number, rate, gradients):
        for group in optimizer.param_groups:
            group["lr"] = rate
            if case.optimizer == "adam":  # Keras adds ε before the bias correction.
                group["eps"] = case.epsilon / np.sqrt(1 - case.beta_2**number)
        if case.optimizer == "sgd" and case.weight_decay:
            for weight in decaying:
                weight.mul_(1 - rate * case.weight_decay)
        for weight, gradient in zip(weights, gradients):
            weight.grad = gradient
        optimizer.step()
        states = [optimizer.state[weight] for weight in weights]
        if case.optimizer == "adam":
            return [[state[key] for state in states] for key in ("exp_avg", "exp_avg_sq")]
        return [[-rate * state["momentum_buffer"] for state in states]] if case.momentum else []

    return step


def _by_formula(update):
    def step_of(case, weights):
        state = [[torch.zeros_like(weight) for weight in weights] for _ in case.state_names]

        def step(number, rate, gradients):
            for index, ((name, _), weight, gradient) in enumerate(zip(optimizer_cases.TENSORS, weights, gradients)):
                decay = case.weight_decay if optimizer_cases.decays(name) else 0
                update(case, number, rate, decay, weight, gradient, *(tensors[index] for tensors in state))
            return state

        return step

    return step_of


def _sgd(case, number, rate, decay, weight, gradient, velocity):
    weight.mul_(1 - rate * decay)
    velocity.mul_(case.momentum).sub_(rate * gradient)
    weight.add_(case.momentum * velocity - rate * gradient if case.nesterov else velocity)


def _lamb(case, number, rate, decay, weight, gradient, first, second):
    if not case.decay_in_trust_ratio:
        weight.mul_(1 - rate * decay)
        decay = 0
    first.mul_(case.beta_1).add_((1 - case.beta_1) * gradient)
    second.mul_(case.beta_2).add_((1 - case.beta_2) * gradient**2)
    corrected = (second / (1 - case.beta_2**number)).sqrt() + case.epsilon
    update = first / (1 - case.beta_1**number) / corrected + decay * weight
    length, update_length = float(weight.norm()), float(update.norm())
    ratio = length / update_length if length > 0 and update_length > 0 else 1
    weight.sub_(rate * ratio * update)
