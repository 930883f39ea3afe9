"""The folder in which an export is made, and what killed exports have left of theirs."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from keras_amid.data._tensorflow import written
from keras_amid.data.storage.one_writer import NAME, holding, in_use

_PREFIX = ".export-"
_JUST = 60.0  # seconds


@contextlib.contextmanager
def workspace(path: str | os.PathLike) -> Iterator[str]:
    """Makes a folder below `path` for one export, and removes it in the end.

    Exports to one `path` may run side by side. Folders of those that were killed, which nobody
    holds, are removed first.

    Args:
        path: folder of the served model.

    Yields:
        Path of the folder (str).

    Raises:
        OSError: the disk is full.
    """
    for folder in Path(path).glob(f"{_PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=path) as work,
        holding(Path(work) / NAME),
    ):
        # What TensorFlow says of a full disk names a file that is gone by then.
        with written(path):
            yield work


def _is_left(folder):
    """Whether nobody works in a folder any more. Without a lock it may just have been made."""
    lock = folder / NAME
    try:
        made = folder.stat().st_mtime
        return not in_use(lock) if lock.exists() else time.time() - made > _JUST
    except OSError:  # removed meanwhile
        return False
