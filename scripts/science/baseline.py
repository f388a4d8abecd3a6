"""What simple methods reach on a snapshot's songs: the figure that a network has to beat.

  scripts/baseline SNAPSHOT --folds 5                      out of fold, by artist
  scripts/baseline SNAPSHOT                                on the validation side of the split that the snapshot keeps
  scripts/baseline SNAPSHOT --folds-of cv/mean.h5          out of the same folds as a cross-validation's
  scripts/baseline SNAPSHOT --folds 5 --tracks MSD         with what only the track files hold

The snapshot must hold timbre (prepare --features both) for the first row, and pitches and timbre for the second. Rows of
453 moments, and those with predicted terms, need the track files (--tracks: trees, aggregates, lists of these); their
songs without tags help to learn the terms. docs/judging.md describes the methods. The table comes last.
"""

import argparse
import sys
import warnings
from pathlib import Path

import h5py
import numpy
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler

import moments
import predictions
import tables
import tracks
from predictions import Predictions

REGULARISATION = 0.01
WIDTH = 5e-4
RIDGE = 3
TERMS = 150
INNER_FOLDS = 5


class Songs:
    """A snapshot's songs, with their moments."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r", locking=False) as file:
                self.read(file)
        except FileNotFoundError:
            sys.exit(f"{path}: not there, expected a snapshot as prepare makes it")
        except (OSError, KeyError, ValueError) as error:
            sys.exit(f"{path}: cannot be read as a snapshot: {error}")

    def read(self, file):
        self.track_ids = predictions.texts(file["songs/track_id"])
        self.artist_ids = predictions.texts(file["songs/artist_id"])
        self.tags = predictions.texts(file["tags/names"])
        self.labels = file["songs/labels"][:]
        self.least = int(file["songs/segment_count"][:].min())
        self.least = int(file.attrs["segments"]) or self.least
        self.side = file["songs/side"][:] if "songs/side" in file else None
        starts = file["songs/start"][:] if "songs/start" in file else None

        def values(name, song):
            data = file[f"songs/{name}"]
            rows = data[song] if starts is None else data[starts[song]:starts[song + 1]]
            scaled = data.dtype.kind != "f"
            return rows / 1000 if scaled else rows.astype(numpy.float64)

        songs = range(len(self.track_ids))
        has_timbre, has_pitches = "songs/timbre" in file, "songs/pitches" in file
        self.timbre = numpy.array([moments.timbre_moments(values("timbre", song)) for song in songs]) if has_timbre else None
        self.segments = None
        if has_timbre and has_pitches:
            self.segments = numpy.array(
                [moments.segment_moments(values("pitches", song), values("timbre", song)) for song in songs])

    def add(self, found):
        """What track files tell of the same songs, and of others without tags."""
        missing = [track_id for track_id in self.track_ids if track_id not in found]
        if missing:
            sys.exit(f"--tracks: {len(missing)} of the snapshot's {len(self.track_ids)} songs are not there, such as "
                     f"{missing[0]}")
        own = set(self.track_ids)
        everybody = [found[track_id] for track_id in self.track_ids]
        everybody += [track for track_id, track in sorted(found.items()) if track_id not in own]
        self.timbre = numpy.array([track.timbre_moments for track in everybody[:len(own)]])
        self.everything = numpy.array([track.all_moments for track in everybody])
        self.all_artists = self.artist_ids + [track.artist_id for track in everybody[len(own):]]
        self.terms = [track.terms for track in everybody]


def artist_folds(artist_ids, folds, seed):
    """[songs], from 1: artists in random order, each to the fold with the fewest songs so far."""
    names, counts = numpy.unique(artist_ids, return_counts=True)
    if len(names) < folds:
        sys.exit(f"--folds {folds}: there are {len(names)} artists")
    sizes, fold_of = [0] * folds, {}
    for index in numpy.random.default_rng(seed).permutation(len(names)):
        fold = min(range(folds), key=lambda fold: (sizes[fold], fold))
        fold_of[names[index]] = fold + 1
        sizes[fold] += counts[index]
    return numpy.array([fold_of[artist] for artist in artist_ids])


def standardised(values, learnt):
    return StandardScaler().fit(values[learnt]).transform(values)


def logistic_regression(values, labels, learnt, judged):
    """[judged, tags]: one model a tag; where all or no learnt songs have it, its frequency."""
    scaled = standardised(values, learnt)
    result = numpy.empty((len(judged), labels.shape[1]))
    for tag in range(labels.shape[1]):
        own = labels[learnt, tag]
        if own.min() == own.max():
            result[:, tag] = own[0]
            continue
        model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(scaled[learnt], own)
        result[:, tag] = model.predict_proba(scaled[judged])[:, 1]
    return result


def kernel_ridge(values, labels, learnt, judged):
    """[judged, tags]: squared differences, RBF kernel over standardised moments."""
    scaled = standardised(values, learnt)
    return KernelRidge(kernel="rbf", gamma=WIDTH, alpha=RIDGE).fit(scaled[learnt], labels[learnt]).predict(scaled[judged])


def predicted_terms(songs, learnt, judged, seed):
    """[all songs, 150]: the artists' terms as the moments tell them, of songs that are learnt from by inner folds."""
    counts = {}
    for song in learnt:
        for term in songs.terms[song]:
            counts[term] = counts.get(term, 0) + 1
    names = sorted(counts, key=lambda term: (-counts[term], term))[:TERMS]
    weights = numpy.array([[terms.get(name, 0) for name in names] for terms in songs.terms])
    scaled = standardised(songs.everything, learnt)
    result = numpy.zeros(weights.shape)

    def predict(learnt, judged):
        mean = weights[learnt].mean(axis=0)
        model = KernelRidge(kernel="rbf", gamma=WIDTH, alpha=RIDGE).fit(scaled[learnt], weights[learnt] - mean)
        result[judged] = model.predict(scaled[judged]) + mean

    inner = artist_folds([songs.all_artists[song] for song in learnt], INNER_FOLDS, seed)
    for fold in range(1, INNER_FOLDS + 1):
        predict(learnt[inner != fold], learnt[inner == fold])
    predict(learnt, judged)
    return result


def kernel_ridge_with_terms(songs, learnt, judged, seed):
    """The kernel is the sum of one over moments and one over predicted terms, whose width goes by their number."""
    own = len(songs.track_ids)
    forbidden = {songs.artist_ids[song] for song in range(own)} - {songs.artist_ids[song] for song in learnt}
    others = [song for song in range(own, len(songs.all_artists)) if songs.all_artists[song] not in forbidden]
    everybody = numpy.concatenate([learnt, numpy.array(others, dtype=int)])
    terms = standardised(predicted_terms(songs, everybody, judged, seed), everybody)
    scaled = standardised(songs.everything, everybody)
    width = WIDTH * songs.everything.shape[1] / terms.shape[1]

    def kernel(rows, columns):
        return (rbf_kernel(scaled[rows], scaled[columns], gamma=WIDTH)
                + rbf_kernel(terms[rows], terms[columns], gamma=width))

    model = KernelRidge(kernel="precomputed", alpha=RIDGE).fit(kernel(learnt, learnt), songs.labels[learnt])
    return model.predict(kernel(judged, learnt))


def methods(songs, has_tracks, seed):
    """(key, name, prediction of songs judged from songs learnt) of what can be done; says what cannot."""
    found = []
    if songs.timbre is not None:
        found.append(("logistic-regression", f"logistic regression, {songs.timbre.shape[1]} moments of timbre",
                      lambda learnt, judged: logistic_regression(songs.timbre, songs.labels, learnt, judged)))
    else:
        print("left out: logistic regression on moments of timbre, which the snapshot does not hold: prepare it with "
              "--features both, or give --tracks")
    if has_tracks:
        found.append(("kernel-ridge", f"kernel ridge, {songs.everything.shape[1]} moments",
                      lambda learnt, judged: kernel_ridge(songs.everything, songs.labels, learnt, judged)))
        if not any(songs.terms):
            print("left out: kernel ridge with predicted artist terms: the track files have none")
            return found
        found.append(("kernel-ridge-terms", "kernel ridge, with predicted artist terms",
                      lambda learnt, judged: kernel_ridge_with_terms(songs, learnt, judged, seed)))
        return found
    if songs.segments is not None:
        found.append(("kernel-ridge", f"kernel ridge, the {songs.segments.shape[1]} moments of pitches and timbre",
                      lambda learnt, judged: kernel_ridge(songs.segments, songs.labels, learnt, judged)))
    print("left out: kernel ridge on 453 moments and with predicted artist terms: loudness, duration, tempo, … and terms are "
          "in the track files alone; give them with --tracks")
    return found


def divisions(songs, arguments):
    """(fold or none, songs learnt, songs judged), and what to call it."""
    everyone = numpy.arange(len(songs.track_ids))
    if arguments.folds_of:
        other = predictions.read(arguments.folds_of)
        if other.folds is None:
            sys.exit(f"{arguments.folds_of}: has no folds, expected out-of-fold predictions of scripts/cross-validate")
        fold_of = dict(zip(other.track_ids, other.folds))
        missing = [track_id for track_id in songs.track_ids if track_id not in fold_of]
        if missing:
            sys.exit(f"{arguments.folds_of}: {len(missing)} of the snapshot's songs are not in it, such as {missing[0]}")
        folds = numpy.array([fold_of[track_id] for track_id in songs.track_ids])
    elif arguments.folds:
        folds = artist_folds(songs.artist_ids, arguments.folds, arguments.seed)
    else:
        if songs.side is None:
            sys.exit(f"{arguments.snapshot}: keeps no split: prepare it with --split, or give --folds K")
        side = {"validation": 1, "test": 2}[arguments.split]
        learnt, judged = everyone[songs.side == 0], everyone[songs.side == side]
        if not len(judged) or not len(learnt):
            sys.exit(f"{arguments.snapshot}: its split has {len(learnt)} training songs and {len(judged)} for {arguments.split}")
        return [(None, learnt, judged)], f"the {arguments.split} side of the snapshot's split"
    return [(fold, everyone[folds != fold], everyone[folds == fold]) for fold in sorted(set(folds))], (
        f"out of fold, {len(set(folds))} folds by artist")


def predict(songs, method, divided, source, split):
    parts = []
    for _, learnt, judged in divided:
        parts.append(Predictions(
            [songs.track_ids[song] for song in judged], [songs.artist_ids[song] for song in judged], songs.tags,
            songs.labels[judged], method(learnt, judged), source, split))
    folds = [fold for fold, *_ in divided]
    return parts[0] if folds[0] is None else predictions.joined(parts, folds, source, split)


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/baseline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", type=Path)
    division = parser.add_mutually_exclusive_group()
    division.add_argument("--folds", type=int, metavar="K", help="out of K folds by artist")
    division.add_argument("--folds-of", type=Path, metavar="FILE", help="out of the folds of this file of predictions")
    division.add_argument("--split", choices=["validation", "test"], default="validation",
                          help="the side of the snapshot's own split that is judged (default: validation)")
    parser.add_argument("--tracks", nargs="+", type=Path, default=[], metavar="PATH",
                        help="track files, trees, aggregates or lists of these")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write each method's predictions there (HDF5)")
    parser.add_argument("--against", type=Path, metavar="FILE",
                        help="predictions of a network on the same songs: tells by how much it is better")
    parser.add_argument("--seed", type=int, default=1, help="decides how artists fall into folds (default: 1)")
    parser.add_argument("--resamples", type=int, default=1000, help="for the intervals (default: 1000)")
    arguments = parser.parse_args()
    if arguments.folds is not None and arguments.folds < 2:
        parser.error(f"--folds {arguments.folds}: expected 2 or more")
    if arguments.resamples < 100:
        parser.error(f"--resamples {arguments.resamples}: expected 100 or more")
    return arguments


def main():
    arguments = parsed()
    warnings.simplefilter("ignore", ConvergenceWarning)
    songs = Songs(arguments.snapshot)
    divided, split = divisions(songs, arguments)
    if arguments.tracks:
        songs.add(tracks.read(arguments.tracks, songs.least))
    network = predictions.read(arguments.against) if arguments.against else None
    named = []
    for key, name, method in methods(songs, bool(arguments.tracks), arguments.seed):
        judged = predict(songs, method, divided, name, split)
        named.append((name, judged))
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            predictions.write(judged, arguments.out / f"{key}.h5")
            print(f"wrote {arguments.out / key}.h5")
    if not named:
        sys.exit(f"{arguments.snapshot}: nothing to learn from: prepare it with --features both, or give --tracks")
    print(f"\n{len(songs.track_ids)} songs, {len(songs.tags)} tags, {split}\n")
    if network:
        name = str(arguments.against)
        print(tables.methods([(name, network), *named], arguments.resamples) + "\n")
        for row in named:
            print(tables.differences([(name, network)], row, arguments.resamples) + "\n")
    else:
        print(tables.methods(named, arguments.resamples))


if __name__ == "__main__":
    main()
