"""Decoded samples kept on the disk from one call to the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock

from keras_amid.data._tensorflow import tensorflow, written
from keras_amid.data.pipeline.decoding import SampleDecoder
from keras_amid.validation.damage import damage_named, naming_damage


def file_cache(dataset: Any, folder: Path, key: Any, decoder: SampleDecoder) -> Any:
    """The decoded samples on the disk, under a name made of what they depend on.

    `Dataset.cache(filename)` would leave a lock behind where a reader stops early or is killed.

    Args:
        dataset: A `tf.data.Dataset` of them.
        folder: Where to keep them.
        key: JSON values that say what they depend on.
        decoder: Whose files they are read from.

    Returns:
        A data set that reads them there.

    Raises:
        ValueError: A file that they are read from is damaged.
        OSError: The disk is full; nothing is left.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"decoded-{digest}"
    if not path.exists():
        decoder.check_files()
        folder.mkdir(parents=True, exist_ok=True)
        # Of two runs that ask for the same, the second waits and finds it made. The operating
        # system lets go of the lock of a process that was killed.
        lock = folder / f".{path.name}.lock"
        with FileLock(lock):
            if not path.exists():
                _save(naming_damage(dataset, decoder.look_again), path)
        with contextlib.suppress(OSError):  # needed no more, now that `path` is there
            lock.unlink()
    return tensorflow().data.Dataset.load(str(path))


def _save(dataset, path):
    """Writes the samples of a data set; whole or not at all."""
    temporary = path.with_name(f".part-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with written(path), damage_named(dataset):
            dataset.save(str(temporary))
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
