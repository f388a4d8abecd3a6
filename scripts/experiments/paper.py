"""The paper's experiments and what it left open, from songs to a report. scripts/paper calls it."""

import argparse
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
# The launcher, and what is common to all that judges: predictions and their intervals, tables.
sys.path += [str(SCRIPTS), str(SCRIPTS / "science")]

import kept_settings  # noqa: E402
import launch  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import sections  # noqa: E402
from judging import Judge  # noqa: E402
from songs import Songs  # noqa: E402
from trouble import Trouble  # noqa: E402
from work import Work  # noqa: E402

SETTINGS = launch.ROOT / "configs/paper"


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/paper", description="The paper's experiments and what it left open, from songs to one report, OUT/report.html.",
        epilog="Example: scripts/paper MillionSongSubset runs/paper --settings configs/paper/subset.yaml. The same line again goes on "
        "where it was interrupted, and skips what is done.")
    parser.add_argument("data", type=Path, nargs="?",
                        help="a folder with msd/ (track files) and lastfm/ (tags)")
    parser.add_argument("out", type=Path, nargs="?", help="where everything goes")
    parser.add_argument("--msd", type=Path, help="track files instead of DATA/msd: a tree, an aggregate, or a list of both")
    parser.add_argument("--lastfm", type=Path, help="tags instead of DATA/lastfm: a tree or lastfm_tags.db")
    parser.add_argument("--join", choices=["paper", "normalised", "track-id"], help="as for crnn-dist prepare")
    parser.add_argument("--settings", type=Path, help="what to run (default: configs/paper/full.yaml; quick.yaml with --quick)")
    parser.add_argument("--quick", action="store_true", help="everything, small; songs are synthesized where DATA has none")
    parser.add_argument("--ranks", type=int, default=min(launch.cores(), 4), help="of each run here (default: %(default)s)")
    parser.add_argument("--report", action="store_true", help="only the report, of the runs that are done")
    parser.add_argument("--slurm", action="store_true", help="the runs as a Slurm array, and the report as a job after them")
    parser.add_argument("--at-once", type=int, default=2, help="tasks of the array that run at once (default: %(default)s)")
    parser.add_argument("--sbatch", action="append", default=[], metavar="OPTION",
                        help="an option for sbatch, such as --sbatch=--partition=long; as often as needed")
    options = parser.parse_args()
    if options.quick:
        options.data, options.out = options.data or Path("demo/paper-songs"), options.out or Path("demo/paper")
    if not options.out:
        parser.error("DATA and OUT are missing; with --quick they may be")
    for name in ("data", "out", "msd", "lastfm", "settings"):
        if getattr(options, name) is not None:
            setattr(options, name, getattr(options, name).resolve())
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


def work(options):
    if not launch.BINARY.exists():
        raise Trouble(f"{launch.BINARY}: not there; scripts/build makes it", 66)
    settings = plan.read(options.settings or SETTINGS / ("quick.yaml" if options.quick else "full.yaml"))
    songs = Songs(options, settings)
    if not options.report:
        songs.find(say)
        options.out.mkdir(parents=True, exist_ok=True)
    elif not options.out.is_dir():
        raise Trouble(f"{options.out}: not there; without --report the runs are done first", 66)
    # Without the grids: runs may be added, and have their settings in their names.
    kept_settings.keep(options.out, {
        "options": settings.options, "validation_share": settings.validation_share, "msd": str(songs.msd),
        "lastfm": str(songs.lastfm), "join": songs.join})
    the_work = Work(options, settings, songs, plan.all_runs(settings))
    if not options.report:
        songs.prepare(say)
        if options.slurm and the_work.in_slurm(say):
            return
        the_work.here(say)
    the_judge = Judge(options, songs, the_work)
    results = sections.Results(settings, songs, the_work, the_judge)
    say("Judging, drawing, writing")
    made = [section for section in (make(results) for make in sections.ALL) if section]
    report.write(options.out, made, settings, the_work, the_judge, describe(options, songs))
    say("")
    for section in made:
        print(f"{section.title}: {' '.join(section.findings)}")
    missing = sum(not the_work.is_done(run) for run in the_work.runs)
    print(f"{options.out / 'report.html'}: {len(made)} experiments, {len(the_work.runs) - missing} of {len(the_work.runs)} runs")
    if missing:
        raise Trouble(f"{missing} runs are not done; the same line without --report takes them up", 75)


def describe(options, songs):
    count = songs.facts()["songs"]
    made = "synthesized, so figures say nothing about music" if options.quick else songs.msd.name
    return f"{count:,} with a tag, {made}"


def main():
    options = parsed()
    try:
        work(options)
    except Trouble as trouble:
        print(f"paper: error: {trouble}", file=sys.stderr)
        sys.exit(trouble.code if 0 < trouble.code < 126 else 70)
    except KeyboardInterrupt:
        print("paper: interrupted; the same line goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
