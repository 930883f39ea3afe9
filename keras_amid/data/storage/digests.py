"""Files that prove what they are: digests of JSON values and of whole files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

_KEY = "sha256"
_BLOCKS, _BLOCK = 16, 2**16  # of `sample_digest`: a number, and bytes


def signed(value: dict[str, Any]) -> dict[str, Any]:
    """Returns a dict of JSON values with the digest of all of them as the entry `sha256`."""
    plain = {name: item for name, item in value.items() if name != _KEY}
    text = json.dumps(plain, sort_keys=True)
    return {**plain, _KEY: hashlib.sha256(text.encode()).hexdigest()}


def is_signed(value: Any) -> bool:
    """Whether a value is what `signed` returned, unchanged (through a JSON file, too)."""
    return isinstance(value, dict) and _KEY in value and signed(value)[_KEY] == value[_KEY]


def file_digest(path: str | Path) -> str:
    """Returns the SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sample_digest(path: str | os.PathLike) -> str:
    """Returns a digest of a file's size and of blocks all over it: all of one up to 1 MiB.

    What tells a long film from another, at the price of a megabyte.
    """
    size, digest = os.path.getsize(path), hashlib.sha256()
    digest.update(str(size).encode())
    with open(path, "rb") as file:
        for number in range(_BLOCKS):
            file.seek(max(number * _BLOCK, number * (size - _BLOCK) // (_BLOCKS - 1)))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:16]


def may_have_changed(path: Path, witness: Path) -> bool:
    """Whether a file is not older than its witness: copied, written to, or put in its place.

    Args:
        path: The file.
        witness: A file that was written after it, with its digest in it.
    """
    status = os.stat(path)
    # Another file that is renamed into its place changes the second time only.
    return max(status.st_mtime_ns, status.st_ctime_ns) >= os.stat(witness).st_mtime_ns


def renew(witness: Path) -> None:
    """Makes a witness the newer one again, once all that it tells of was compared with it.

    Copying changes all times: without this what was copied would be compared every time.
    """
    with contextlib.suppress(OSError):  # where nothing can be written it is compared every time
        os.utime(witness)
