"""Which runs the experiments need: read from the settings, each run once, however many experiments look at it."""

from dataclasses import dataclass, field

import yaml

from trouble import Trouble

EXPERIMENTS = ("curves", "seeds", "dropout", "lengths", "tags", "lengths_compared", "sizes")
# What a run may be told in the settings; everything else would be a slip of the pen.
GRID = {"models", "segments", "splits", "seeds", "convolution_dropout", "final_dropout", "tags", "shares"}


@dataclass(frozen=True)
class Run:
    """One training run. Its name is its folder."""

    model: str
    segments: int
    split: str = "artist"
    seed: int = 1
    epochs: int = 1
    convolution_dropout: float | None = None
    final_dropout: float | None = None
    # 0: the paper's.
    tags: int = 0
    # Of the training side's artists.
    share: float = 1
    # Songs have at least so many segments; 0: as many as are taken.
    at_least: int = 0

    @property
    def name(self):
        words = [self.model, str(self.segments), self.split, f"{self.epochs}-epochs", f"seed-{self.seed}"]
        if self.convolution_dropout is not None or self.final_dropout is not None:
            words.append(f"dropout-{self.convolution_dropout}-{self.final_dropout}")
        if self.tags:
            words.append(f"top-{self.tags}")
        if self.share < 1:
            words.append(f"share-{self.share}")
        if self.at_least > self.segments:
            words.append(f"songs-of-{self.at_least}")
        return "-".join(words)


@dataclass
class Settings:
    """What a file of configs/paper says."""

    options: dict
    validation_share: float
    experiments: dict
    songs: int
    thresholds: list
    runs: dict = field(default_factory=dict)


def read(path):
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Trouble(f"{path}: cannot be read as settings: {error}", 66 if isinstance(error, OSError) else 64) from error
    known = {"options", "validation_share", "synthesized_songs", "thresholds", *EXPERIMENTS}
    unknown = set(found or {}) - known
    if not found or unknown:
        raise Trouble(f"{path}: found {sorted(unknown) or 'nothing'}, expected some of {sorted(known)}", 64)
    settings = Settings(
        options=found.get("options", {}), validation_share=found.get("validation_share", 0.2),
        experiments={name: found[name] for name in EXPERIMENTS if name in found},
        songs=found.get("synthesized_songs", 1000), thresholds=found.get("thresholds", [252, 512, 1024]))
    for name, grid in settings.experiments.items():
        unknown = set(grid) - GRID - {"epochs", "at_least"}
        if unknown:
            raise Trouble(f"{path}: {name}: found {sorted(unknown)}, expected some of {sorted(GRID | {'epochs', 'at_least'})}", 64)
        settings.runs[name] = runs_of(grid)
    return settings


def runs_of(grid):
    """Every combination of the lists, in the order in which they stand."""
    def each(key, default):
        value = grid.get(key, default)
        return value if isinstance(value, list) else [value]

    return [
        Run(model, segments, split, seed, grid.get("epochs", 1), convolution, final, tags, share, grid.get("at_least", 0))
        for model in each("models", "small")
        for segments in each("segments", 252)
        for split in each("splits", "artist")
        for convolution in each("convolution_dropout", None)
        for final in each("final_dropout", None)
        for tags in each("tags", 0)
        for share in each("shares", 1)
        for seed in each("seeds", 1)
    ]


def all_runs(settings):
    """Each once, in the order of the experiments."""
    return list(dict.fromkeys(run for name in EXPERIMENTS for run in settings.runs.get(name, [])))
