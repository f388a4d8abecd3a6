"""Compares the structure of an MSD track file with the one that all real files share.

`track_structure.json` names every group and dataset with its types, chunks, filters and attributes; values
that differ from song to song are left out: lengths, row counts, PyTables' own counter EXTDIM.
"""

import json
import sys
from pathlib import Path

import h5py
from h5py import h5t

EXPECTED = Path(__file__).with_name("track_structure.json")
VARYING_ATTRIBUTES = {"NROWS", "EXTDIM"}


def type_of(kind):
    """A type in words that hold everything another reader of the file would depend on."""
    match kind.get_class():
        case h5t.COMPOUND:
            members = range(kind.get_nmembers())
            return {
                "size": kind.get_size(),
                "members": [[kind.get_member_name(i).decode(), kind.get_member_offset(i),
                             type_of(kind.get_member_type(i))] for i in members],
            }
        case h5t.STRING:
            length = "variable" if kind.is_variable_str() else kind.get_size()
            return f"string[{length}] padding {kind.get_strpad()} characters {kind.get_cset()}"
        case h5t.INTEGER:
            signed = "signed" if kind.get_sign() else "unsigned"
            return f"{signed} {kind.get_size()} bytes order {kind.get_order()}"
        case h5t.FLOAT:
            return f"float {kind.get_size()} bytes order {kind.get_order()}"
        case other:
            return f"class {other}"


def attributes_of(item):
    found = {}
    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        value = item.attrs[name]
        found[name] = {
            "type": type_of(attribute.get_type()),
            "shape": list(attribute.shape) if attribute.shape is not None else None,
        }
        if name not in VARYING_ATTRIBUTES:
            found[name]["value"] = value.decode() if isinstance(value, bytes) else (
                value.tolist() if hasattr(value, "tolist") else value)
    return found


def description_of(item):
    if isinstance(item, h5py.Group):
        return {"is": "group", "attributes": attributes_of(item)}
    properties = item.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return {
        "is": "dataset",
        "type": type_of(item.id.get_type()),
        "dimensions": len(item.shape),
        "unlimited": [extent is None for extent in item.maxshape],
        "columns": list(item.shape[1:]),
        "chunks": list(item.chunks or []),
        "filters": [[code, flags, list(values)] for code, flags, values, _ in filters],
        "fill_time": properties.get_fill_time(),
        "allocation_time": properties.get_alloc_time(),
        "fill_value": properties.fill_value_defined(),
        "times_tracked": properties.get_obj_track_times(),
        "attributes": attributes_of(item),
    }


def structure(path):
    found = {}
    with h5py.File(path, "r", locking=False) as file:
        found["/"] = description_of(file)
        file.visititems(lambda name, item: found.__setitem__("/" + name, description_of(item)))
    # The superblock's version follows the eight bytes of the signature.
    found["superblock"] = path.read_bytes()[8]
    return json.loads(json.dumps(found))


def differences(path):
    """What distinguishes a file from the expected structure, in words; nothing where they agree."""
    expected, found = json.loads(EXPECTED.read_text()), structure(Path(path))
    missing = [f"no {name}" for name in expected.keys() - found.keys()]
    extra = [f"unexpected {name}" for name in found.keys() - expected.keys()]
    unlike = [f"{name}: {found[name]} instead of {expected[name]}" for name in expected.keys() & found.keys()
              if found[name] != expected[name]]
    return sorted(missing + extra + unlike)


if __name__ == "__main__":
    # Writes the expectation from a file that is known to be right.
    EXPECTED.write_text(json.dumps(structure(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n")
