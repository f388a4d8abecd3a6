"""AUCs with 95 % intervals by a bootstrap over artists, in numpy: what `crnn-dist evaluate` computes, once more.

The program draws other resamples, so that intervals agree within what chance leaves, and figures to the last digits.
"""

from dataclasses import dataclass

import numpy

LEVEL = 0.95
# Decisions weighed at once.
CHUNK = 4_000_000


def clusters(artist_ids):
    """The artist of each song by number; a song of an unknown artist is one by itself."""
    numbers, result = {}, []
    for song, artist in enumerate(artist_ids):
        result.append(numbers.setdefault(artist or (song,), len(numbers)))
    return numpy.array(result), len(numbers)


def weights(artist_ids, resamples, seed):
    """[resamples, songs]: how often each song is in each resample."""
    cluster, count = clusters(artist_ids)
    draws = numpy.random.default_rng(seed).integers(count, size=(resamples, count))
    drawn = numpy.stack([numpy.bincount(row, minlength=count) for row in draws])
    return drawn[:, cluster].astype(numpy.float64)


def weighted(labels, scores, weights):
    """ROC-AUC and average precision, [resamples] each, of songs (or decisions) weighed by each row of `weights`."""
    order = numpy.argsort(-scores, kind="stable")
    starts = numpy.flatnonzero(numpy.append(True, numpy.diff(scores[order]) != 0))
    positive = labels[order] != 0
    rocs, precisions = [], []
    step = max(1, CHUNK // max(1, len(scores)))
    with numpy.errstate(invalid="ignore", divide="ignore"):
        for first in range(0, len(weights), step):
            ordered = weights[first:first + step][:, order]
            found = numpy.add.reduceat(ordered * positive, starts, axis=1)
            wrong = numpy.add.reduceat(ordered * ~positive, starts, axis=1)
            all_found, all_wrong = found.cumsum(axis=1), wrong.cumsum(axis=1)
            positives, negatives = all_found[:, -1], all_wrong[:, -1]
            rocs.append((wrong * (all_found - found / 2)).sum(axis=1) / (positives * negatives))
            precision = all_found / numpy.maximum(all_found + all_wrong, 1)
            precisions.append((found * precision).sum(axis=1) / positives)
    return numpy.concatenate(rocs), numpy.concatenate(precisions)


@dataclass
class Figures:
    """Of each row of weights: macro, micro, macro average precision [resamples], tags' AUC and precision [resamples, tags]."""

    macro: numpy.ndarray
    micro: numpy.ndarray
    precision: numpy.ndarray
    tags: numpy.ndarray
    tag_precisions: numpy.ndarray

    def __sub__(self, other):
        return Figures(*[getattr(self, name) - getattr(other, name) for name in self.__dataclass_fields__])


def mean_of_defined(values, defined):
    """[resamples]; not a number where nothing is defined."""
    sums = numpy.where(defined, values, 0).sum(axis=1)
    with numpy.errstate(invalid="ignore"):
        return sums / defined.sum(axis=1)


def figures(predictions, weights, micro=True):
    columns = [weighted(predictions.labels[:, tag], predictions.probabilities[:, tag], weights)
               for tag in range(len(predictions.tags))]
    tags, precisions = (numpy.stack(part, axis=1) for part in zip(*columns))
    defined = ~numpy.isnan(tags)
    pooled = numpy.full(len(weights), numpy.nan)
    if micro:
        step = max(1, CHUNK // predictions.labels.size)
        pooled = numpy.concatenate([
            weighted(predictions.labels.ravel(), predictions.probabilities.ravel(),
                     numpy.repeat(weights[first:first + step], len(predictions.tags), axis=1))[0]
            for first in range(0, len(weights), step)])
    return Figures(mean_of_defined(tags, defined), pooled, mean_of_defined(precisions, defined), tags, precisions)


def interval(values):
    """The 2.5th and 97.5th percentile of what is defined; none where nothing is."""
    values = values[~numpy.isnan(values)]
    if not len(values):
        return None
    return tuple(numpy.percentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)]))


def judge(predictions, resamples=1000, seed=1):
    """The figures themselves, and those of resamples."""
    whole = figures(predictions, numpy.ones((1, len(predictions))))
    return whole, figures(predictions, weights(predictions.artist_ids, resamples, seed))


def difference(one, two, resamples=1000, seed=1):
    """The same of one method less another on the songs that both judge."""
    places = {track_id: song for song, track_id in enumerate(two.track_ids)}
    pairs = [(song, places[track_id]) for song, track_id in enumerate(one.track_ids) if track_id in places]
    one, two = one.picked([pair[0] for pair in pairs]), two.picked([pair[1] for pair in pairs])
    if one.tags != two.tags or (one.labels != two.labels).any():
        raise ValueError("the two have other tags")
    alone = numpy.ones((1, len(one)))
    drawn = weights(one.artist_ids, resamples, seed)
    return len(one), figures(one, alone) - figures(two, alone), figures(one, drawn) - figures(two, drawn)
