"""Writes docs/options.md, every command with its options, from what the program says of itself.

  scripts/options            writes it
  scripts/options --check    ends with 1 where it is not what the program says
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from launch import BINARY, ROOT  # noqa: E402

PAGE = ROOT / "docs/options.md"
HEADING = """# Every command and option

`crnn-dist COMMAND --help` says the same. This page is made of it by `scripts/options`; the tests hold it to the program. The options
of a run may also stand in a file (`--config`), with `_` in place of `-`; the command line wins.
"""
# The same for every command; the program's own options and help's tell them.
LEFT_OUT = {"help", "version"}


def described():
    line = [str(BINARY), "--experimental-dump-help"]
    try:
        return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)["command"]
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        sys.exit(f"scripts/options: {BINARY} does not tell its options: {error}; run scripts/build first")


def cell(text):
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def spelled(argument):
    if argument["kind"] == "positional":
        name = f"`<{argument['valueName']}>`"
    else:
        dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
        names = [f"{dashes[name['kind']]}{name['name']}" for name in argument["names"]]
        value = f" <{argument['valueName']}>" if argument["kind"] == "option" else ""
        name = ", ".join(f"`{one}{value}`" for one in names)
    return cell(name).replace("&lt;", "<") + (" …" if argument["isRepeating"] else "")


def said(argument):
    text = cell(argument.get("abstract"))
    if argument.get("discussion"):
        text += " " + cell(argument["discussion"])
    values, default = argument.get("allValues"), argument.get("defaultValue")
    if values:
        text += f" One of {', '.join(f'`{cell(value)}`' for value in values)}."
    if default is not None and argument["kind"] == "option":
        text += f" Default: `{cell(default)}`."
    return text.strip()


def is_told(argument):
    names = {name["name"] for name in argument.get("names", [])}
    return argument["shouldDisplay"] and not names & LEFT_OUT


def table(arguments):
    rows = {}
    for argument in arguments:
        # A flag and its opposite are told in one row.
        rows.setdefault((argument.get("preferredName", {}).get("name", "").removeprefix("no-"), said(argument)), []).append(spelled(argument))
    lines = [f"| {', '.join(spellings)} | {text} |" for (_, text), spellings in rows.items()]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def discussion(text):
    """What is indented are lines to type."""
    lines = []
    for line in (text or "").splitlines():
        lines.append("    " + line.strip() if line.startswith("  ") else cell(line))
    # A block of lines to type has empty lines around it.
    result = []
    for line in lines:
        if result and result[-1] and line and line.startswith("    ") != result[-1].startswith("    "):
            result.append("")
        result.append(line)
    return "\n".join(result)


def sections(command, above):
    """The command's part, then those of the commands below it."""
    name = f"{above} {command['commandName']}".strip()
    parts = [f"## `{name}`", cell(command.get("abstract")), discussion(command.get("discussion"))]
    groups = {}
    for argument in filter(is_told, command.get("arguments", [])):
        groups.setdefault(argument.get("sectionTitle") or "", []).append(argument)
    for title, arguments in groups.items():
        parts += [f"**{cell(title)}**" if title else "", table(arguments)]
    yield "\n\n".join(part for part in parts if part)
    for below in command.get("subcommands", []):
        if below["commandName"] != "help" and below.get("shouldDisplay", True):
            yield from sections(below, name)


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/options", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    text = HEADING + "\n" + "\n\n".join(sections(described(), "")) + "\n"
    if not arguments.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/options.md is not what the program says: run scripts/options")


if __name__ == "__main__":
    main()
