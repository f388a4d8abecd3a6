"""Reads the first segments' pitches, title, artist name, artist id and track id of every track file below a folder."""

import argparse
import json
import pathlib
import time


def with_h5py(path, segments):
    import h5py

    with h5py.File(path, "r") as file:
        song, analysis = file["metadata/songs"][0], file["analysis/songs"][0]
        return (
            file["analysis/segments_pitches"][:segments],
            song["title"],
            song["artist_name"],
            song["artist_id"],
            analysis["track_id"],
        )


def with_getters(path, segments):
    """As the data set's own getters do: PyTables, and every field looked up and read by itself, pitches always whole."""
    import tables

    file = tables.open_file(path, mode="r")
    try:
        start = file.root.analysis.songs.cols.idx_segments_pitches[0]
        return (
            file.root.analysis.segments_pitches[start:, :],
            file.root.metadata.songs.cols.title[0],
            file.root.metadata.songs.cols.artist_name[0],
            file.root.metadata.songs.cols.artist_id[0],
            file.root.analysis.songs.cols.track_id[0],
        )
    finally:
        file.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", choices=("h5py", "getters"), required=True)
    parser.add_argument("--msd", required=True)
    parser.add_argument("--segments", type=int, default=252, help="as many of each file as the program reads (default 252)")
    options = parser.parse_args()
    paths = sorted(map(str, pathlib.Path(options.msd).rglob("*.h5")))
    read = {"h5py": with_h5py, "getters": with_getters}[options.way]
    read(paths[0], options.segments)
    for path in paths:
        pathlib.Path(path).read_bytes()
    start = time.perf_counter()
    for path in paths:
        read(path, options.segments)
    seconds = time.perf_counter() - start
    print(json.dumps({"tracks_per_second": len(paths) / seconds, "tracks": len(paths)}))


if __name__ == "__main__":
    main()
