"""How close the competitors in a pooling window are. Where two values tie, rounding alone decides which of them
passes its gradient on, and the winner is not a property of the mathematics; so the golden cases use inputs whose
closest competitors are further apart than any implementation's rounding."""

import numpy as np

WANTED_FIRST, WANTED = 2e-6, 2e-5
"""Smallest gaps aimed at, as shares of the map's root mean square: of the first convolution, which sums 9 products,
and of the others, which sum thousands and may use fast algorithms."""


def closest(raw, gamma, window):
    """The smallest gap between the best two of any window, as a share of the map's root mean square. `raw` is
    [songs, rows, columns, channels] before normalisation; where gamma is negative the smallest value wins."""
    height, width = window
    songs, rows, columns, channels = raw.shape
    rows, columns = rows // height, columns // width
    signed = raw[:, : rows * height, : columns * width] * np.where(gamma < 0, -1.0, 1.0)
    windows = signed.reshape(songs, rows, height, columns, width, channels).transpose(0, 1, 3, 5, 2, 4)
    windows = windows.reshape(-1, height * width)
    if height * width == 1:
        return np.inf
    best = np.partition(windows, -2, axis=1)[:, -2:]
    return float((best[:, 1] - best[:, 0]).min() / np.sqrt(np.mean(np.square(raw))))


def of_maps(maps, network):
    """The closest gap of each layer, as a multiple of the gap wanted there."""
    case, found = network.case, []
    gammas = dict(zip((name for name, _ in case.trainable), network.trainable))
    for number, (raw, window) in enumerate(zip(maps, case.pooling), 1):
        gamma = gammas[f"normalization_{number}/gamma"].numpy()
        found.append(closest(raw, gamma, window) / (WANTED_FIRST if number == 1 else WANTED))
    return found
