"""What the columns of a table hold, found from what is in them."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

from keras_amid.data.datasets.finding import PICTURES, SOUNDS, VIDEOS
from keras_amid.data.datasets.table.sheet import OWN_COLUMNS, Sheet
from keras_amid.data.media import MediaError, find_streams

#: What a column may be called to be. "media" is a video with its sound: two modalities.
KINDS = ("video", "audio", "media", "image", "array", "text", "numbers", "ignore")
#: The kinds whose cells are paths.
FILES = ("video", "audio", "media", "image", "array")
ARRAYS = (".npy",)
_LOOKED_INTO = 16  # media files of a column
_SOUND_NAMES = ("audio", "sound", "speech", "voice", "music", "mic", "microphone")
_PLAIN_NAMES = ("file", "path", "media")  # that say nothing of what is in the file


@dataclasses.dataclass(frozen=True)
class Source:
    """A modality, and where it comes from.

    Attributes:
        modality: Its name.
        kind: "video", "audio", "image", "array", "text" or "numbers".
        columns: Names of the columns: one, but of "numbers".
    """

    modality: str
    kind: str
    columns: tuple[str, ...]


def located(root: Path, cell: str) -> Path:
    """Returns the path that a cell names; backslashes are Windows's, where that finds a file."""
    path = root / cell
    return root / cell.replace("\\", "/") if "\\" in cell and not path.exists() else path


def find_kinds(sheet: Sheet, root: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Finds the kind of every column that is no `OWN_COLUMNS`.

    Args:
        sheet: The table.
        root: Folder that paths are relative to.
        given: Dict column (or the part before the dot of several) -> kind, which counts.

    Returns:
        Dict column, or common part before the dot -> one of `KINDS`.

    Raises:
        ValueError: `given` has other columns or kinds, or the kind of a column is not clear.
    """
    parts = _parts(sheet)
    for name, kind in given.items():
        if name not in parts or kind not in KINDS:
            raise ValueError(
                f"`kinds` must have columns among {list(parts)} and kinds among {list(KINDS)}; "
                f"received {name!r}: {kind!r}."
            )
    found = {
        name: given.get(name) or _kind(sheet, name, columns, root)
        for name, columns in parts.items()
    }
    heard = [name for name, kind in found.items() if kind in ("audio", "ignore")]
    if any(found[name] == "audio" for name in heard):  # the sound has a column of its own
        found = {n: "video" if k == "media" and n not in given else k for n, k in found.items()}
    return found


def find_sources(sheet: Sheet, kinds: Mapping[str, str]) -> list[Source]:
    """Returns the modalities that columns of these kinds make.

    A column keeps its name, but for `file`, `path` and `media`, which become video, audio or
    image. The sound of a "media" column is audio, of several <name>_audio.

    Raises:
        ValueError: There is no modality, or two are called alike.
    """
    parts = _parts(sheet)
    several = sum(kind == "media" for kind in kinds.values()) > 1
    sources = []
    for name, kind in kinds.items():
        picture = "video" if kind == "media" else kind
        plain = name in _PLAIN_NAMES and picture in ("video", "audio", "image")
        modality = picture if plain and not several else name
        if kind != "ignore":
            sources.append(Source(modality, picture, parts[name]))
        if kind == "media":
            sound = f"{name}_audio" if several or modality == "audio" else "audio"
            sources.append(Source(sound, "audio", parts[name]))
    names = collections.Counter(source.modality for source in sources)
    twice = [name for name, count in names.items() if count > 1]
    if twice or not sources:
        raise ValueError(
            "`table` must have columns that are modalities, each of another name; received "
            + (f"columns {list(kinds)}, which make {twice} twice." if twice else "none.")
        )
    return sources


def _parts(sheet):
    """Dict name of what may be a modality -> its columns."""
    parts: dict[str, tuple[str, ...]] = {}
    for column in sheet.columns:
        name, dot, _ = column.partition(".")
        if column in OWN_COLUMNS:
            continue
        if name in parts and not (dot and "." in parts[name][0]):
            raise ValueError(
                f"`table` must have columns of different names; received {sheet.name}, with "
                f"`{name}` and `{column if dot else parts[name][0]}`."
            )
        parts[name] = (*parts.get(name, ()), column)
    return parts


def _kind(sheet, name, columns, root):
    if len(columns) > 1 or "." in columns[0]:
        return "numbers"
    cells = list(dict.fromkeys(row[name] for row in sheet.rows if row[name]))
    if not cells:
        return "ignore"
    if all(map(is_number, cells)):
        return "numbers"
    suffixes = collections.Counter(Path(cell).suffix.lower() for cell in cells)
    named = {"arrays": ARRAYS, "videos or sounds": (*VIDEOS, *SOUNDS), "pictures": PICTURES}
    counts = {kind: sum(suffixes[suffix] for suffix in found) for kind, found in named.items()}
    counts = {kind: count for kind, count in counts.items() if count}
    if 2 * sum(counts.values()) < len(cells):
        return "text"
    # A column that is called after what its files are not is not believed.
    if len(counts) > 1 or ("pictures" in counts and name.lower() in ("video", *_SOUND_NAMES)):
        raise ValueError(
            f"`table` must have columns of one kind of files each, videos, sounds, pictures or "
            f".npy arrays; received {sheet.name}, whose column `{name}` has "
            + ", ".join(f"{count} {kind}" for kind, count in counts.items())
            + f'. Say what it is: kinds={{"{name}": ...}} (--kind {name}=...).'
        )
    if "videos or sounds" in counts:
        return _media_kind(name, cells, root)
    return "array" if "arrays" in counts else "image"


def _media_kind(name, cells, root):
    """What some of the files hold, taken from all over the column."""
    looked = [
        streams
        for cell in cells[:: max(1, len(cells) // _LOOKED_INTO)]
        if (streams := _streams(located(root, cell))) is not None
    ]
    if not looked:  # by their names alone
        videos = sum(Path(cell).suffix.lower() in VIDEOS for cell in cells)
        return "video" if 2 * videos >= len(cells) else "audio"
    picture, sound = (any(found) for found in zip(*looked, strict=True))
    heard = any(part in _SOUND_NAMES for part in name.lower().split("_"))
    if sound and (heard or not picture):
        return "audio"
    return "media" if sound else "video"


def _streams(path):
    try:
        return find_streams(path)
    except MediaError:
        return None


def is_number(text: str) -> bool:
    """Says whether a cell is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
