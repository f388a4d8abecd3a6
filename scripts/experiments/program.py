"""Calls crnn-dist, and remembers every line it was called with for the report."""

import json
import os
import shlex
import subprocess
import sys

import launch
from trouble import Trouble


def command(arguments, ranks=1):
    return [*launch.command(ranks if ranks > 1 else None), *(str(each) for each in arguments)]


def as_text(arguments, ranks=1):
    """The line for a reader: paths from where the script was called."""
    def short(word):
        return os.path.relpath(word) if word.startswith("/") and not os.path.relpath(word).startswith("..") else word

    return shlex.join(short(word) if word != str(launch.BINARY) else "crnn-dist" for word in command(arguments, ranks))


def run(arguments, ranks=1):
    """Runs it to its end; a failure ends the script with what the program said."""
    done = subprocess.run(command(arguments, ranks), env=launch.environment(), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        # 75: stopped by a signal after a checkpoint; the same line goes on.
        raise Trouble(f"{as_text(arguments, ranks)}\nended with {done.returncode}", done.returncode)
    return done.stdout


def told(arguments, ranks=1):
    return json.loads(run([*arguments, "--json"], ranks))


def write(path, text):
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
