"""Files changed as disks, editors and half-finished copies change them."""

import json

from hypothesis import strategies as st

#: A change of bytes: where it begins (a share of the file), what is put there, and what becomes of
#: what was there: overwritten, pushed on, taken out, or everything from there on cut off.
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.binary(min_size=1, max_size=6),
        st.sampled_from(["overwrite", "insert", "delete", "cut"]),
    ),
    min_size=1,
    max_size=3,
)
_ATOMS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
)
#: JSON values of any kind.
JSON = st.recursive(
    _ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def edited(content, edits):
    """Returns bytes with `EDITS` made."""
    for share, new, kind in edits:
        place = round(share * len(content))
        end = place + {"overwrite": len(new), "insert": 0, "delete": 4 * len(new)}.get(kind, 2**40)
        content = (
            content[:place] + (new if kind in ("overwrite", "insert") else b"") + content[end:]
        )
    return content


def replaced(content, share, value):
    """Returns JSON with one of its values, at a share of all of them, replaced."""
    tree = json.loads(content)
    places = list(_places(tree))
    holder, key = places[min(len(places) - 1, int(share * len(places)))]
    holder[key] = value
    return json.dumps(tree).encode()


def _places(tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)
