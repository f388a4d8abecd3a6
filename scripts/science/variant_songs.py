"""A snapshot's songs as the prototype of scripts/variants takes them: numbers of whole songs, segments, tags and terms."""

from dataclasses import dataclass, replace

import h5py
import numpy

import predictions

LEAST = 252
# What a snapshot's words for artists that a song's own is like begin with.
SIMILAR = "similar:"
# In the order of the channels; pitches first, for they are rotated.
FEATURES = (("pitches", 12), ("timbre", 12), ("loudness", 3), ("duration", 1), ("confidence", 1))


@dataclass
class Songs:
    track_ids: list
    artist_ids: list
    tags: list
    # [songs, tags], and whether a song has any.
    labels: numpy.ndarray
    has_tags: numpy.ndarray
    # [songs, all words], weights; and of each word whether it is an artist that the song's own is like, not a term
    weights: numpy.ndarray
    is_similar: numpy.ndarray
    # [songs, 327]
    numbers: numpy.ndarray
    # A list of [segments, 29], or none.
    segments: list = None
    # [songs, words], of the most frequent words among those learnt from
    terms: numpy.ndarray = None

    def __len__(self):
        return len(self.track_ids)

    @staticmethod
    def read(path, segments):
        """Songs of at least 252 segments; their segments too where these are wanted."""
        with h5py.File(path, "r", locking=False) as file:
            counts = file["songs/segment_count"][:]
            kept = numpy.flatnonzero(counts >= LEAST)
            labels = file["songs/labels"][:]
            starts, terms, values = (file[f"songs/{name}"][:] for name in ("term_start", "term", "term_weight"))
            words = predictions.texts(file["terms/names"])
            weights = numpy.zeros((len(counts), len(words)), numpy.float32)
            for song in kept:
                own = slice(starts[song], starts[song + 1])
                weights[song, terms[own]] = values[own]
            track_ids, artist_ids = predictions.texts(file["songs/track_id"]), predictions.texts(file["songs/artist_id"])
            return Songs(
                [track_ids[song] for song in kept], [artist_ids[song] for song in kept], predictions.texts(file["tags/names"]),
                labels[kept], labels[kept].any(axis=1), weights[kept],
                numpy.array([word.startswith(SIMILAR) for word in words]), file["songs/keyless"][:][kept],
                Songs.all_segments(file, kept) if segments else None)

    @staticmethod
    def all_segments(file, kept):
        starts = file["songs/start"][:]
        columns = []
        for name, _ in FEATURES:
            data = file[f"songs/{name}"]
            values = data[:].astype(numpy.float32)
            columns.append(values / 1000 if data.dtype.kind != "f" else values)
        everything = numpy.concatenate(columns, axis=1)
        return [everything[starts[song]:starts[song + 1]] for song in kept]

    def picked(self, songs):
        return Songs(
            [self.track_ids[song] for song in songs], [self.artist_ids[song] for song in songs], self.tags, self.labels[songs],
            self.has_tags[songs], self.weights[songs], self.is_similar, self.numbers[songs],
            [self.segments[song] for song in songs] if self.segments else None,
            None if self.terms is None else self.terms[songs])

    def scaled(self, learnt, words):
        """Standardised, and with so many terms and artists that theirs are like, by the songs that are learnt from."""
        numbers = numpy.arcsinh(standardised(self.numbers, self.numbers[learnt]))
        order = numpy.argsort(-(self.weights[learnt] > 0).sum(axis=0), kind="stable")
        frequent = numpy.concatenate([order[self.is_similar[order] == kind][:count] for kind, count in enumerate(words)])
        segments = None
        if self.segments:
            known = numpy.concatenate([self.segments[song] for song in learnt])
            segments = [standardised(own, known) for own in self.segments]
        return replace(self, numbers=numbers, segments=segments, terms=self.weights[:, frequent])

    def told(self, probabilities):
        """With what networks say of each song for tags, halfway where the song has its own."""
        labels = numpy.where(self.has_tags[:, None], (self.labels + probabilities) / 2, probabilities)
        return replace(self, labels=labels, has_tags=numpy.ones(len(self), bool))


def standardised(values, known):
    deviation = known.std(axis=0)
    return ((values - known.mean(axis=0)) / numpy.where(deviation > 0, deviation, 1)).astype(numpy.float32)
