"""One process at a time writes a folder; another one is told who does."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

NAME = ".lock"


@contextlib.contextmanager
def one_writer(folder: str | Path, argument: str = "out") -> Iterator[None]:
    """Holds a folder; the operating system lets go of it when the process ends, however it does.

    Args:
        folder: made where it is missing; gets the file `.lock`.
        argument: what the folder was given as, for messages.

    Raises:
        ValueError: another process holds it; which, and since when.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"`{argument}` must be a folder; received the file {folder}.") from error
    lock, holder = FileLock(folder / NAME, timeout=0), folder / f"{NAME}-holder"
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"`{argument}` must be a folder that no other process writes; received {folder}, which "
            f"another run uses ({_read(holder)}). Wait for it, or choose another folder."
        ) from error
    try:
        holder.write_text(
            f"since {time.strftime('%Y-%m-%d %H:%M:%S')}, process {os.getpid()}", encoding="utf-8"
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read(path):
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return "since a moment ago"
