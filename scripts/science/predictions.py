"""Files of predictions, as `crnn-dist evaluate --predictions` writes them (docs/formats.md): read, written, put together."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy

FORMAT = "crnn-dist predictions"


@dataclass
class Predictions:
    track_ids: list
    artist_ids: list
    tags: list
    # [songs, tags]
    labels: numpy.ndarray
    probabilities: numpy.ndarray
    source: str = ""
    split: str = ""
    # The fold that each song was judged in, from 1; none where there were no folds.
    folds: numpy.ndarray = field(default=None)

    def __len__(self):
        return len(self.track_ids)

    def picked(self, songs):
        """Some of the songs, in the order given."""
        return Predictions(
            [self.track_ids[song] for song in songs], [self.artist_ids[song] for song in songs], self.tags,
            self.labels[songs], self.probabilities[songs], self.source, self.split,
            None if self.folds is None else self.folds[songs])


def texts(dataset):
    return [value.decode("utf-8") for value in dataset[:]]


def read(path):
    """Ends the program with one line where the file is not what it should be."""
    if not Path(path).exists():
        sys.exit(f"{path}: not there, expected a file of predictions")
    try:
        with h5py.File(path, "r", locking=False) as file:
            found = file.attrs.get("format", b"")
            found = found.decode() if isinstance(found, bytes) else str(found)
            if found != FORMAT:
                sys.exit(f"{path}: format \"{found[:40]}\", expected \"{FORMAT}\": evaluate --predictions writes such a file")
            predictions = Predictions(
                texts(file["songs/track_id"]), texts(file["songs/artist_id"]), texts(file["tags/names"]),
                file["songs/labels"][:], file["songs/probabilities"][:], str(path), "",
                file["songs/fold"][:] if "songs/fold" in file else None)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{path}: cannot be read as predictions: {error}")
    shape = (len(predictions), len(predictions.tags))
    if not (predictions.labels.shape == predictions.probabilities.shape == shape
            and len(predictions.artist_ids) == len(predictions)):
        sys.exit(f"{path}: labels {predictions.labels.shape} and probabilities {predictions.probabilities.shape}, "
                 f"expected {shape}, one row a song and one column a tag")
    if not numpy.isfinite(predictions.probabilities).all():
        sys.exit(f"{path}: a probability is not a finite number")
    return predictions


def write(predictions, path):
    """The file appears whole or not at all."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")

    def fixed(values):
        encoded = [value.encode("utf-8") for value in values]
        return numpy.array(encoded, dtype=f"S{max([1, *map(len, encoded)])}")

    try:
        with h5py.File(temporary, "w", libver="earliest") as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = numpy.int64(1)
            file.attrs["source"] = predictions.source
            file.attrs["split"] = predictions.split
            file["songs/track_id"] = fixed(predictions.track_ids)
            file["songs/artist_id"] = fixed(predictions.artist_ids)
            file["songs/labels"] = predictions.labels.astype(numpy.uint8)
            file["songs/probabilities"] = predictions.probabilities.astype(numpy.float32)
            if predictions.folds is not None:
                file["songs/fold"] = predictions.folds.astype(numpy.int32)
            file["tags/names"] = fixed(predictions.tags)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def joined(parts, folds, source, split):
    """Out of fold: each song judged once, by the network that had not learnt it. In the order of track ids.

    `parts` are the folds' predictions, `folds` their numbers."""
    first = parts[0]
    for part in parts:
        if part.tags != first.tags:
            sys.exit(f"{part.source}: knows other tags than {first.source}")
    track_ids = [track_id for part in parts for track_id in part.track_ids]
    if len(set(track_ids)) != len(track_ids):
        sys.exit(f"{source}: a song is in two folds; were all folds made with one seed of the split?")
    order = sorted(range(len(track_ids)), key=lambda song: track_ids[song].encode())
    everything = Predictions(
        track_ids, [artist for part in parts for artist in part.artist_ids], first.tags,
        numpy.concatenate([part.labels for part in parts]), numpy.concatenate([part.probabilities for part in parts]),
        source, split, numpy.concatenate([numpy.full(len(part), fold) for part, fold in zip(parts, folds)]))
    return everything.picked(order)


def mean(several, source):
    """The mean of several methods' (or seeds') probabilities of the same songs."""
    first = several[0]
    for other in several[1:]:
        if other.track_ids != first.track_ids or other.tags != first.tags:
            sys.exit(f"{other.source}: other songs or tags than {first.source}")
    probabilities = numpy.mean([one.probabilities.astype(numpy.float64) for one in several], axis=0)
    return Predictions(first.track_ids, first.artist_ids, first.tags, first.labels, probabilities.astype(numpy.float32),
                       source, first.split, first.folds)
