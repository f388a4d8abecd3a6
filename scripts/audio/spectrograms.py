"""Makes a file of mel spectrograms from audio files (see scripts/spectrograms and docs/spectrograms.md)."""

import argparse
import collections
import concurrent.futures
import csv
import os
import pathlib
import sys

import h5py
import librosa
import numpy as np

RATE, SECONDS = 12_000, 29.12
FFT, HOP, BANDS, FRAMES = 512, 256, 96, 1_366
SAMPLES = int(RATE * SECONDS)
FLOOR = 80.0
"""Decibels below a song's loudest value where silence ends."""


def spectrogram(path):
    """[bands, frames] decibels, 0 the loudest: the middle 29.12 s of a song, a shorter one with silence around it."""
    samples, _ = librosa.load(path, sr=RATE, mono=True)
    surplus = len(samples) - SAMPLES
    if surplus >= 0:
        samples = samples[surplus // 2 : surplus // 2 + SAMPLES]
    else:
        samples = np.pad(samples, (-surplus // 2, -surplus - -surplus // 2))
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=FFT, hop_length=HOP, n_mels=BANDS, power=2.0)
    decibels = librosa.power_to_db(mel, ref=np.max, amin=1e-10, top_db=FLOOR)
    assert decibels.shape == (BANDS, FRAMES), f"{path}: {decibels.shape}"
    return decibels.astype(np.float32)


def attempt(path):
    """A spectrogram, or what is wrong with the file."""
    try:
        return spectrogram(path)
    except Exception as problem:  # any decoder's
        return f"{path}: {type(problem).__name__}: {problem}"


def read_table(path):
    """Rows of the table with their tags, ids told twice left out."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"id", "file", "tags"} - set(reader.fieldnames or [])
        if missing:
            sys.exit(f"{path}: has no column {', '.join(sorted(missing))}; expected id,file,artist,tags")
        rows = {}
        for row in reader:
            if row["id"] in rows:
                print(f"{path}: the id {row['id']} is there twice; the first counts", file=sys.stderr)
            else:
                rows[row["id"]] = row | {"tags": {tag for tag in row["tags"].split("|") if tag}}
    return list(rows.values())


def vocabulary(rows, options):
    if options.tags:
        names = pathlib.Path(options.tags).read_text(encoding="utf-8").split("\n")
        return [name for name in names if name]
    counts = collections.Counter(tag for row in rows for tag in row["tags"])
    return [tag for tag, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: options.top]]


def make(path, rows, tags, options):
    """Writes the file; the songs that are in it, and what is wrong with the others."""
    text = h5py.string_dtype()
    bad, kept = [], []
    with h5py.File(path, "w") as file, concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        features = file.create_dataset(
            "features", (0, BANDS, FRAMES), np.float16 if options.float16 else np.float32,
            maxshape=(len(rows), BANDS, FRAMES), chunks=(1, BANDS, FRAMES),
        )
        # In parts: results would else pile up in memory.
        for start in range(0, len(rows), 64):
            part = rows[start : start + 64]
            for row, found in zip(part, pool.map(attempt, [os.path.join(options.audio, row["file"]) for row in part])):
                if isinstance(found, str):
                    bad.append(found)
                    continue
                features.resize(len(kept) + 1, axis=0)
                features[len(kept)] = found
                kept.append(row)
            print(f"{start + len(part)} of {len(rows)} songs", file=sys.stderr)
        file["labels"] = np.array([[tag in row["tags"] for tag in tags] for row in kept], np.uint8).reshape(-1, len(tags))
        file.create_dataset("ids", data=[row["id"] for row in kept], dtype=text)
        file.create_dataset("tags", data=tags, dtype=text)
        if kept and all(row.get("artist") for row in kept):
            file.create_dataset("artists", data=[row["artist"] for row in kept], dtype=text)
    return kept, bad


def main():
    parser = argparse.ArgumentParser(prog="scripts/spectrograms", description=__doc__)
    parser.add_argument("table", help="a CSV file with the columns id, file, tags and, where known, artist")
    parser.add_argument("--audio", default=".", help="the folder that the files' paths begin in (default: here)")
    parser.add_argument("--out", required=True, help="the file to make")
    parser.add_argument("--tags", metavar="LIST.txt", help="the tags, one a line (default: the most frequent)")
    parser.add_argument("--top", type=int, default=50, help="without --tags: how many (default 50)")
    parser.add_argument("--float16", action="store_true", help="half the size; decibels lose up to 0.03")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a processor)")
    options = parser.parse_args()
    rows = read_table(options.table)
    tags = vocabulary(rows, options)
    rows = [row for row in rows if row["tags"] & set(tags)]
    if not rows:
        sys.exit(f"{options.table}: no song has one of the {len(tags)} tags")
    out = pathlib.Path(options.out)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        kept, bad = make(partial, rows, tags, options)
        for problem in bad:
            print(problem, file=sys.stderr)
        if not kept:
            sys.exit(f"{options.table}: none of the {len(rows)} audio files could be read")
        os.replace(partial, out)
    finally:
        # Of an interrupt, a full disk, or files that could not be read.
        partial.unlink(missing_ok=True)
    print(f"{out}: {len(kept)} songs, {len(tags)} tags; {len(bad)} audio files could not be read")


if __name__ == "__main__":
    main()
