"""What the results in a folder were made with, in its settings.json: those of other settings are not put together with them."""

import json
import os
import sys


def keep(out, settings):
    """Writes them where none are kept; ends the script where others are."""
    path = out / "settings.json"
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        temporary = path.with_name(f".settings.partial-{os.getpid()}")
        temporary.write_text(json.dumps(settings, indent=2) + "\n")
        os.replace(temporary, path)
        return
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: cannot be read: {error}")
    changed = [name for name in settings if kept.get(name) != settings[name]]
    if changed:
        name = changed[0]
        sys.exit(f"{path}: made with {name} {kept.get(name)}, now {settings[name]}: go on with the same, or name another folder")
