"""Finds the seeds written in cases.py: `python search.py CASE FIRST LAST FACTOR` tries these seeds and prints those
whose closest competitors in any pooling window, in all five steps, are FACTOR times the wanted gap apart."""

import dataclasses
import sys

import tensorflow as tf

import cases
import margins
from keras_network import KerasNetwork


def worst_margin(network, factor):
    """The closest gap over the steps, as a multiple of the wanted one; stops at the first below `factor`."""
    worst = float("inf")
    for step in range(1, cases.STEPS + 1):
        worst = min(worst, *margins.of_maps(network.maps(step), network))
        if worst < factor or step == cases.STEPS:
            return worst
        network.apply(network.forward_backward(step)[2])


def main(name, first, last, factor):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    case = next(case for case in cases.CASES + cases.SHAPE_CASES if case.name == name)
    network, start = KerasNetwork(case), case.initial_values()
    for seed in range(first, last):
        network.case = dataclasses.replace(case, seed=seed)
        network.set_values(start)
        network.restart_optimizer()
        worst = worst_margin(network, factor)
        if worst >= factor:
            print(f"{name}: seed {seed}, closest competitors {worst:.2f} times the wanted gap", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
