"""Links from pages to files of the repository: the site gets a copy of each, since it does not know where the repository lies."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(\.\./([^)#]*)(#[^)]*)?\)")
linked = set()


def copied(match):
    name = match[1].rstrip("/")
    path = ROOT / name
    if not path.exists():
        raise SystemExit(f"a page has a link to {name}, which the repository has not")
    if path.is_dir():
        name += "/README.md"
    linked.add(name)
    return f"](files/{name}.txt)"


def on_page_markdown(markdown, **_):
    return LINK.sub(copied, markdown)


def on_post_build(config, **_):
    for name in linked:
        target = Path(config["site_dir"], "files", name + ".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
