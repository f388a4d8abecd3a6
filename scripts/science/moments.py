"""A song as a row of numbers: what simple methods learn from.

`timbre_moments` gives 102 of a song's timbre, `segment_moments` 402 of timbre and pitches, `analysis_moments` 51 more of
what only the track file has (loudness, duration, tempo, …): 453 in all.
"""

import numpy

UPPER = numpy.triu_indices(12, 1)
UPPER_AND_DIAGONAL = numpy.triu_indices(12)
# Row k: the places of the k-th (circular) diagonal of a 12 × 12 matrix.
DIAGONALS = numpy.array([[(i, (i + k) % 12) for i in range(12)] for k in range(12)])


def covariance(values):
    """[12, 12] of values [segments, 12]; zeros where there is one segment only."""
    centred = values - values.mean(axis=0)
    return centred.T @ centred / max(1, len(values) - 1)


def moments(values):
    """102: means, deviations, covariances and mean absolute steps of values [segments, 12]."""
    steps = numpy.abs(numpy.diff(values, axis=0)).mean(axis=0) if len(values) > 1 else numpy.zeros(12)
    return numpy.concatenate([values.mean(axis=0), values.std(axis=0), covariance(values)[UPPER], steps])


def timbre_moments(timbre):
    """102 moments of timbre [segments, 12]."""
    return moments(timbre)


def along_diagonals(matrix):
    """[12]: what a matrix of pitches with pitches says of intervals, whatever the key."""
    return matrix[DIAGONALS[..., 0], DIAGONALS[..., 1]].sum(axis=1)


def segment_moments(pitches, timbre):
    """402 moments of pitches and timbre, each [segments, 12]."""
    steps = numpy.diff(timbre, axis=0) if len(timbre) > 1 else numpy.zeros((2, 12))
    by_strength = numpy.sort(pitches, axis=1)[:, ::-1]
    following = pitches[:-1].T @ pitches[1:] / max(1, len(pitches) - 1)
    return numpy.concatenate([
        moments(timbre),
        covariance(steps)[UPPER_AND_DIAGONAL],
        numpy.percentile(timbre, [5, 25, 75, 95], axis=0).ravel(),
        moments(pitches),
        numpy.percentile(pitches, [10, 90], axis=0).ravel(),
        by_strength.mean(axis=0), by_strength.std(axis=0),
        along_diagonals(pitches.T @ pitches / len(pitches)), along_diagonals(following),
    ])


def course(values):
    """8 of one number a segment: mean, deviation, percentiles, mean absolute step."""
    step = numpy.abs(numpy.diff(values)).mean() if len(values) > 1 else 0
    return [values.mean(), values.std(), *numpy.percentile(values, [5, 25, 50, 75, 95]), step]


def analysis_moments(segments, song, beats, sections):
    """51 of what the Echo Nest tells beside pitches and timbre.

    `segments` has `loudness_max`, `loudness_max_time`, `loudness_start`, `start`, `confidence`, each [segments]; `song` the
    fields of /analysis/songs; `beats` and `sections` are counts.
    """
    duration = max(float(song["duration"]), 1)
    lengths = numpy.diff(numpy.append(segments["start"], max(duration, segments["start"][-1] + 1e-3)))
    return numpy.array(
        course(segments["loudness_max"])
        + course(numpy.log(numpy.maximum(segments["loudness_max_time"], 0) + 1e-3))
        + course(segments["loudness_start"])
        + course(numpy.log(numpy.maximum(lengths, 0) + 1e-3))
        + course(segments["confidence"])
        + [float(song[name]) for name in ("tempo", "loudness", "duration", "mode", "mode_confidence", "time_signature",
                                          "time_signature_confidence", "key_confidence")]
        + [len(segments["start"]) / duration, beats / duration, sections])
