"""Writes figures, tables and the report: one HTML file that needs nothing beside it."""

import base64
import csv
import io
import platform
import subprocess
from importlib.metadata import version

import jinja2

import pictures
import program


def write(out, sections, settings, work, the_judge, data):
    for section in sections:
        for figure in section.figures:
            pictures.save(figure.draw(), out / "figures" / figure.name)
        for table in section.tables:
            program.write(out / "tables" / f"{table.name}.csv", as_csv(table))
            program.write(out / "tables" / f"{table.name}.md", as_markdown(table))
    folder = program.ROOT / "scripts/experiments"
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True,
                                  lstrip_blocks=True).get_template("report.html.jinja")
    missing = [run.name for run in work.runs if not work.is_done(run)]
    program.write(out / "report.html", template.render(
        sections=sections, image=lambda figure: image(out / "figures" / f"{figure.name}.png"), missing=missing, data=data,
        commands=commands(work, the_judge), environment=environment(), text=str))
    program.write(out / "report.md", "\n".join(as_text(section) for section in sections))


def image(path):
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def as_csv(table):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return text.getvalue()


def as_markdown(table):
    def line(cells):
        return "| " + " | ".join(str(cell) for cell in cells) + " |"

    return "\n".join([line(table.header), line(["---"] * len(table.header)), *(line(row) for row in table.rows)]) + "\n"


def as_text(section):
    parts = [f"## {section.title}", section.question, *section.findings]
    parts += [f"![{figure.caption}](figures/{figure.name}.png)\n\n*{figure.caption}*" for figure in section.figures]
    parts += [f"{as_markdown(table)}\n*{table.caption}*" for table in section.tables]
    return "\n\n".join(parts) + "\n"


def commands(work, the_judge):
    """Of every run that is done: the line that trained it and the one that judged it."""
    return [(run.name, program.as_text(work.line(run), work.options.ranks),
             program.as_text(the_judge.line(run), work.options.ranks)) for run in work.runs if work.is_done(run)]


def environment():
    processor = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "-C", program.ROOT, "rev-parse", "--short", "HEAD"], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout.strip()
    launcher = subprocess.run(["mpirun", "--version"], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [("crnn-dist", f"{program.run(['--version']).strip()}, commit {commit or 'unknown'}"),
            ("processor", f"{processor}, {program.cores()} cores for this report"),
            ("system", platform.platform()), ("MPI", launcher.splitlines()[0] if launcher else "none"),
            ("Python", f"{platform.python_version()}, " + ", ".join(
                f"{name} {version(name)}" for name in ("numpy", "matplotlib", "h5py")))]
