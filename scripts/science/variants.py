"""Tries variants of the recommended network in PyTorch, on inner folds: what helps songs of artists never heard, before it is
written in Swift.

  scripts/variants SNAPSHOT OUT                              every variant of the dense layers, two seeds
  scripts/variants SNAPSHOT OUT --network convolutions       of the convolutions and the GRU alone, one seed
  scripts/variants SNAPSHOT OUT --only mixup --seeds 1       one of them

SNAPSHOT is that of scripts/methods-table, OUT/songs.h5 there. Artists fall into five folds. Each fold is judged once, by networks
that have learnt from three of the others; the fold that is left out is another one each time, so that no figure here is that
of a network of the table. Prints each variant's macro ROC-AUC and, paired, by how much it is better than the network as it
is, with 95 % intervals over artists. What is done is kept in OUT and not done again.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import torch

import kept_settings
import predictions
import tables
import variant_networks
from baseline import artist_folds
from predictions import Predictions
from variant_networks import Recipe
from variant_songs import Songs

FOLDS = 5
ENSEMBLE = 5


@dataclass(frozen=True)
class Variant:
    name: str
    recipe: Recipe
    # Networks of other seeds whose probabilities are averaged.
    networks: int = 1
    # Whether one network learns what as many say of songs instead.
    distilled: bool = False
    # Whether the terms alone are learnt first.
    terms_first: bool = False


PLAIN = {"dense": Recipe(), "convolutions": Recipe(network="convolutions", words=(150, 0), epochs=40)}
VARIANTS = {
    "dense": [
        Variant("as it is", PLAIN["dense"]),
        Variant("without words of artists", replace(PLAIN["dense"], terms=0)),
        Variant("200 terms, no similar artists", replace(PLAIN["dense"], words=(200, 0))),
        Variant("200 similar artists, no terms", replace(PLAIN["dense"], words=(0, 200))),
        Variant("150 of each", replace(PLAIN["dense"], words=(150, 150))),
        Variant("exponential linear units", replace(PLAIN["dense"], activation="elu")),
        Variant("units 512, 256", replace(PLAIN["dense"], units=(512, 256))),
        Variant("units 128, 256", replace(PLAIN["dense"], units=(128, 256))),
        Variant("40 epochs", replace(PLAIN["dense"], epochs=40)),
        Variant("dropout 0.4 between the layers", replace(PLAIN["dense"], dropouts=(0.2, 0.4))),
        Variant("label smoothing 0.1", replace(PLAIN["dense"], smoothing=0.1)),
        Variant("mixup, α = 0.4", replace(PLAIN["dense"], mixup=0.4)),
        Variant("moving average of the weights, 0.99", replace(PLAIN["dense"], average=0.99)),
        Variant("first the words, then the tags", replace(PLAIN["dense"], terms=0), terms_first=True),
        Variant("first the words, then both", PLAIN["dense"], terms_first=True),
        Variant("five networks, averaged", PLAIN["dense"], networks=ENSEMBLE),
        Variant("five networks, distilled into one", PLAIN["dense"], networks=ENSEMBLE, distilled=True),
    ],
    "convolutions": [
        Variant("as they are", PLAIN["convolutions"]),
        Variant("attention over time beside mean and maximum", replace(PLAIN["convolutions"], attention=True)),
        Variant("pitches rotated by chance", replace(PLAIN["convolutions"], rotation=True)),
        Variant("averaged over five crops", replace(PLAIN["convolutions"], crops=5)),
        Variant("label smoothing 0.1", replace(PLAIN["convolutions"], smoothing=0.1)),
        Variant("mixup, α = 0.4", replace(PLAIN["convolutions"], mixup=0.4)),
        Variant("five networks, averaged", PLAIN["convolutions"], networks=ENSEMBLE),
    ],
}


def learnt(songs, variant, seed):
    """A network that has learnt from all songs given, or the several whose probabilities are averaged."""
    def one(seed):
        recipe = variant.recipe
        start = None
        if variant.terms_first:
            start = variant_networks.learn(songs, replace(PLAIN["dense"], tags=0), seed)
        return variant_networks.learn(songs, recipe, seed, start=start)

    several = [one(seed * 100 + number) for number in range(variant.networks)]
    if not variant.distilled:
        return several
    said = numpy.mean([variant_networks.probabilities(network, songs, variant.recipe) for network in several], axis=0)
    return [variant_networks.learn(songs.told(said), variant.recipe, seed)]


def judged(songs, variant, seed):
    """Out of fold: [tagged songs, tags]."""
    folds = artist_folds(songs.artist_ids, FOLDS, 1)
    found = numpy.zeros((len(songs), len(songs.tags)))
    for fold in range(1, FOLDS + 1):
        left_out = fold % FOLDS + 1
        others = numpy.flatnonzero((folds != fold) & (folds != left_out))
        own = numpy.flatnonzero(folds == fold)
        scaled = songs.scaled(others, variant.recipe.words)
        networks = learnt(scaled.picked(others), variant, seed)
        found[own] = numpy.mean(
            [variant_networks.probabilities(network, scaled.picked(own), variant.recipe) for network in networks], axis=0)
    tagged = numpy.flatnonzero(songs.labels.any(axis=1))
    return Predictions(
        [songs.track_ids[song] for song in tagged], [songs.artist_ids[song] for song in tagged], songs.tags,
        songs.labels[tagged], found[tagged].astype(numpy.float32), variant.name, f"{FOLDS} inner folds by artist", folds[tagged])


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/variants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--network", choices=list(VARIANTS), default="dense")
    parser.add_argument("--only", action="append", metavar="WORDS", help="variants with these words in their name; may be repeated")
    parser.add_argument("--seeds", type=int, nargs="+", metavar="S", help="default: 1 2; convolutions: 1")
    parser.add_argument("--threads", type=int, default=1, help="default: 1, which is as fast for so small networks")
    arguments = parser.parse_args()
    arguments.seeds = arguments.seeds or ([1, 2] if arguments.network == "dense" else [1])
    return arguments


def main():
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    songs = Songs.read(arguments.snapshot, segments=arguments.network == "convolutions")
    kept_settings.keep(arguments.out, {
        "snapshot": str(arguments.snapshot.resolve()), **{name: repr(recipe) for name, recipe in PLAIN.items()}})
    plain, *others = VARIANTS[arguments.network]
    if arguments.only:
        others = [variant for variant in others if any(words in variant.name for words in arguments.only)]
        if not others:
            sys.exit(f"--only {' '.join(arguments.only)}: no such variant of {arguments.network}")
    rows = []
    for variant in [plain, *others]:
        means = []
        for seed in arguments.seeds:
            stem = "".join(letter if letter.isalnum() else "-" for letter in variant.name)
            path = arguments.out / f"{arguments.network}-{stem}-{seed}.h5"
            if not path.exists():
                predictions.write(judged(songs, variant, seed), path)
            means.append(predictions.read(path))
        rows.append((variant.name, predictions.mean(means, variant.name)))
        print(tables.methods(rows[-1:]).splitlines()[-1], flush=True)
    text = tables.methods(rows) + "\n\n" + tables.differences(rows[1:], rows[0])
    (arguments.out / f"{arguments.network}.md").write_text(text + "\n")
    print("\n" + text)


if __name__ == "__main__":
    main()
