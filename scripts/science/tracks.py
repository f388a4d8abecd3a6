"""What the Million Song Dataset's own files hold beside pitches and timbre: trees of track files, and aggregates."""

import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy

from moments import analysis_moments, segment_moments, timbre_moments

SEGMENT_FIELDS = ("loudness_max", "loudness_max_time", "loudness_start", "start", "confidence")
# No song of the data set has more; more than this is damage.
MOST_SEGMENTS = 65_536


@dataclass
class Track:
    track_id: str
    artist_id: str
    segments: int
    # [102] and [453]
    timbre_moments: numpy.ndarray
    all_moments: numpy.ndarray
    # Term and weight, as published.
    terms: dict


def files(paths):
    """Track files of trees, single files and lists of both."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(path.rglob("*.h5"))
        elif path.suffix == ".txt":
            lines = [line.strip() for line in path.read_text().splitlines()]
            yield from files(path.parent / line for line in lines if line and not line.startswith("#"))
        elif path.exists():
            yield path
        else:
            sys.exit(f"{path}: not there, expected track files, a tree, an aggregate or a list of these")


def text(value):
    return value.decode("utf-8", "replace")


def part(file, name, starts, row, count):
    """The values of one song in an array of all songs', one after the other."""
    array = file[name]
    start = int(starts[row])
    end = int(starts[row + 1]) if row + 1 < count else array.shape[0]
    if not 0 <= start <= end <= array.shape[0]:
        raise ValueError(f"{name}: row {row} is from {start} to {end} of {array.shape[0]}")
    return start, end


def read_file(path, least):
    """The songs of a file that have at least so many segments."""
    with h5py.File(path, "r", locking=False) as file:
        songs, metadata = file["analysis/songs"][:], file["metadata/songs"][:]
        for row in range(len(songs)):
            def values(name, index, table=songs):
                start, end = part(file, name, table[index], row, len(songs))
                return file[name][start:end]

            start, end = part(file, "analysis/segments_pitches", songs["idx_segments_pitches"], row, len(songs))
            if not max(least, 1) <= end - start <= MOST_SEGMENTS:
                continue
            segments = {name: values(f"analysis/segments_{name}", f"idx_segments_{name}") for name in SEGMENT_FIELDS}
            pitches = values("analysis/segments_pitches", "idx_segments_pitches")
            timbre = values("analysis/segments_timbre", "idx_segments_timbre")
            beats = part(file, "analysis/beats_start", songs["idx_beats_start"], row, len(songs))
            sections = part(file, "analysis/sections_start", songs["idx_sections_start"], row, len(songs))
            names = values("metadata/artist_terms", "idx_artist_terms", metadata)
            # The weights' starts are the terms'.
            first = int(metadata["idx_artist_terms"][row])
            weights = file["metadata/artist_terms_weight"][first:first + len(names)]
            extra = analysis_moments(segments, songs[row], beats[1] - beats[0], sections[1] - sections[0])
            yield Track(
                text(songs["track_id"][row]), text(metadata["artist_id"][row]), end - start, timbre_moments(timbre),
                numpy.nan_to_num(numpy.concatenate([segment_moments(pitches, timbre), extra])),
                {text(name): float(weight) for name, weight in zip(names, weights)})


def read(paths, least):
    """All songs of some files with at least so many segments, each track id once; unreadable files are told and left out."""
    tracks, skipped = {}, 0
    for path in files(paths):
        try:
            for track in read_file(path, least):
                tracks.setdefault(track.track_id, track)
        except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
            skipped += 1
            print(f"{path}: left out: {error}", file=sys.stderr)
    if skipped:
        print(f"{skipped} files left out", file=sys.stderr)
    return tracks
