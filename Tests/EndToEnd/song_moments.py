"""The moments of a song in numpy: what Sources/Segments/Moments must compute (docs/segments.md lists them)."""

import numpy as np

SCALARS = ["loudness_max", "loudness_max_time", "loudness_start", "duration", "confidence"]
FACTS = ["tempo", "loudness", "duration", "mode", "time_signature", "key_confidence", "mode_confidence",
         "time_signature_confidence", "segments_per_second", "beats_per_second", "sections"]
COUNT = 453
# Below this a logarithm is not taken: a hundred-thousandth of a second.
SHORTEST = 1e-5


def of_rows(values):
    """Means, deviations, covariances above the diagonal, mean absolute steps of [segments, 12]."""
    covariance = np.cov(values.T, bias=True)
    upper = covariance[np.triu_indices(12, 1)]
    return np.concatenate([
        values.mean(0), np.sqrt(np.diag(covariance)), upper, np.abs(np.diff(values, axis=0)).mean(0)])


def diagonals(matrix):
    """Sums along the cyclic diagonals: the same for a song in another key."""
    return np.array([sum(matrix[i, (i + k) % 12] for i in range(12)) for k in range(12)])


def of_scalar(values):
    return np.concatenate([
        [values.mean(), values.std()], np.percentile(values, [5, 25, 50, 75, 95]), [np.abs(np.diff(values)).mean()]])


def moments(timbre, pitches, scalars, facts):
    """timbre, pitches: [segments, 12]; scalars and facts: by the names above. At least two segments."""
    steps = np.diff(timbre, axis=0)
    ordered = -np.sort(-pitches, axis=1)
    parts = [
        of_rows(timbre), np.cov(steps.T, bias=True)[np.triu_indices(12)],
        *np.percentile(timbre, [5, 25, 75, 95], axis=0),
        of_rows(pitches), *np.percentile(pitches, [10, 90], axis=0),
        ordered.mean(0), ordered.std(0),
        diagonals(pitches.T @ pitches / len(pitches)),
        diagonals(pitches[:-1].T @ pitches[1:] / (len(pitches) - 1)),
    ]
    for name in SCALARS:
        values = scalars[name]
        if name in ("loudness_max_time", "duration"):
            values = np.log(np.maximum(values, SHORTEST))
        parts.append(of_scalar(values))
    parts.append([facts[name] for name in FACTS])
    result = np.concatenate(parts)
    assert result.shape == (COUNT,)
    return result


def read(file, row=0):
    """What `moments` takes, of a song of an open track file or aggregate."""
    analysis, count = file["analysis"], len(file["analysis/songs"])
    table = analysis["songs"][row]

    def part(name):
        data = analysis[name]
        if count == 1:
            return data[:]
        starts = analysis["songs"]["idx_" + name]
        return data[starts[row]:starts[row + 1] if row + 1 < count else len(data)]

    starts = part("segments_start")
    length = float(table["duration"])
    scalars = {name: part("segments_" + name) for name in SCALARS if name != "duration"}
    scalars["duration"] = np.diff(np.append(starts, max(length, starts[-1])))
    facts = {name: float(table[name]) for name in FACTS[:8]}
    facts["segments_per_second"] = len(starts) / max(length, 1)
    facts["beats_per_second"] = len(part("beats_start")) / max(length, 1)
    facts["sections"] = float(len(part("sections_start")))
    return part("segments_timbre"), part("segments_pitches"), scalars, facts
