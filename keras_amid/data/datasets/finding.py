"""Finding the files of a data set, wherever below its folder a laboratory keeps them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from keras_amid.data.datasets.listing import Problems
from keras_amid.data.media.errors import MediaError

VIDEOS = tuple(".avi .mp4 .mkv .webm .mov .m4v .mpg .mpeg .flv .wmv .ts .3gp".split())
SOUNDS = tuple(".wav .flac .mp3 .m4a .aac .ogg .opus".split())
PICTURES = tuple(".jpg .jpeg .png .bmp".split())
_PEEK = 20  # entries of a folder that are looked at to tell whether it holds pictures

Value = TypeVar("Value")


@dataclasses.dataclass
class Found:
    """What lies on disk of one sample.

    Attributes:
        videos: Paths of video files, the preferred kind first.
        sounds: Paths of sound files.
        pictures: Paths of folders of pictures.
        others: Paths of anything else of that name.
    """

    videos: list[Path] = dataclasses.field(default_factory=list)
    sounds: list[Path] = dataclasses.field(default_factory=list)
    pictures: list[Path] = dataclasses.field(default_factory=list)
    others: list[Path] = dataclasses.field(default_factory=list)

    def add(self, path: Path, suffix: str | None):
        """Adds a file by its suffix; None for one that is of no kind."""
        kinds = {VIDEOS: self.videos, SOUNDS: self.sounds}
        paths = [paths for suffixes, paths in kinds.items() if (suffix or "").lower() in suffixes]
        (paths[0] if paths else self.others).append(path)

    @property
    def name(self) -> str:
        """Of the sample, as it stands on disk."""
        return [*self.videos, *self.pictures, *self.sounds, *self.others][0].stem

    def is_video(self) -> bool:
        """Whether there is a video, or pictures and their sound."""
        return bool(self.videos or (self.pictures and self.sounds))

    def files(self, roots: Sequence[Path]) -> dict:
        """Returns what `VideoReader.read` needs of a row: `file`, `others` and `sound`."""
        candidates = [relative(path, roots) for path in (*self.videos, *self.pictures)]
        candidates = list(dict.fromkeys(candidates))  # one that lies in several roots
        row: dict[str, Any] = {"file": candidates[0]}
        if len(candidates) > 1:
            row["others"] = candidates[1:]
        if self.sounds:
            row["sound"] = relative(self.sounds[0], roots)
        return row

    def describe(self) -> str:
        """Returns what there is, for a message where it is no video; "" where there is nothing."""
        names = [path.name for path in (*self.sounds, *self.others)]
        kinds = [f".{name.partition('.')[2]}" if "." in name else name for name in names]
        if self.pictures:
            kinds.append("a folder of pictures" + " without a sound file" * (not self.sounds))
        return ", ".join(dict.fromkeys(kinds))


def walk(root: Path, problems: Problems) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yields (folder, names of folders, names of files) of `root` and below, in a fixed order.

    Links are followed, no folder is visited twice, hidden ones are left out. The list of folders
    may be cut by the caller: what is taken out is not visited.

    Args:
        root: Where to begin.
        problems: Told of folders that cannot be read.
    """
    seen = set()

    def unreadable(error):
        problems.add(str(error.filename), f"cannot be read ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=unreadable, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield Path(folder), folders, sorted(name for name in files if not _is_hidden(name))


def find_media(
    roots: Sequence[Path],
    key_of: Callable[[str], str | None],
    problems: Problems,
    prefer: Sequence[str] = (),
) -> dict[str, Found]:
    """Finds videos, sounds and folders of pictures by their names without suffix.

    Args:
        roots: Folders to look in, and below.
        key_of: Function of a name that returns the sample it belongs to, or None.
        problems: Told of folders that cannot be read.
        prefer: Suffixes of videos that come first where a sample has several.

    Returns:
        Dict sample -> `Found`.
    """
    found: dict[str, Found] = {}
    for root in roots:
        for folder, folders, files in walk(root, problems):
            for name in list(folders):
                key = key_of(name)
                if key is not None and _holds_pictures(folder / name):
                    found.setdefault(key, Found()).pictures.append(folder / name)
                    folders.remove(name)  # with thousands of files, which need not be listed
            for name in files:
                stem, suffix = os.path.splitext(name)
                inner, twice = os.path.splitext(stem)
                if suffix.lower() in VIDEOS and twice.lower() in VIDEOS:
                    stem = inner  # as youtube-dl names what it has merged: v_<id>.mp4.mkv
                if key_of(stem) is None:  # a half-finished download: v_<id>.mp4.part
                    stem, suffix = name.partition(".")[0], ""
                key = key_of(stem)
                if key is not None:
                    found.setdefault(key, Found()).add(folder / name, suffix)
    order = {suffix: rank for rank, suffix in enumerate(dict.fromkeys([*prefer, *VIDEOS]))}
    for item in found.values():
        item.videos.sort(key=lambda path: (order[path.suffix.lower()], len(path.parts)))
    return found


def relative(path: Path, roots: Sequence[Path]) -> str:
    """Returns a path below one of `roots` relative to it, as rows have it."""
    root = next((root for root in roots if path.is_relative_to(root)), roots[0])
    return Path(os.path.relpath(path, root)).as_posix()


def located(roots: Path | Sequence[Path], file: str) -> list[Path]:
    """Returns where a relative file lies: in one of `roots`, or in several."""
    roots = [roots] if isinstance(roots, Path) else roots
    # Normalised, for `file` may begin with "..", and a root may be a link.
    places = [Path(os.path.normpath(root / file)) for root in roots]
    return [path for path in places if path.exists()] or places[:1]


def first_readable(paths: Sequence[Path], read: Callable[[Path], Value]) -> tuple[Value, list[str]]:
    """Reads the first of several files that can be used.

    Args:
        paths: Files, the preferred one first.
        read: Function of a path that raises `MediaError` for one that cannot be used.

    Returns:
        What `read` returned, and notes on the files before.

    Raises:
        MediaError: None of them can be used: the first one's reason, and the others'.
    """
    errors: list[MediaError] = []
    for path in paths:
        try:
            return read(path), [f"{e.reason}; {path.name} is used instead" for e in errors]
        except MediaError as error:
            errors.append(error)
    reasons = "; ".join(dict.fromkeys(error.reason for error in errors))
    raise MediaError(errors[0].path, reasons) from errors[0]


def _is_hidden(name):
    return name.startswith(".") or name == "__MACOSX"


def _holds_pictures(folder):
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_PEEK), strict=False)]
    except OSError:
        return False  # `walk` goes there, and says so
    suffixes = [os.path.splitext(name)[1].lower() for name in names]
    # A folder of a video and its thumbnail is none of pictures.
    return any(s in PICTURES for s in suffixes) and not any(s in VIDEOS for s in suffixes)
