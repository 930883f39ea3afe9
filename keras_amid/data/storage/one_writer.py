"""One process at a time writes a folder; another one is told who does."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"
_UNKNOWN = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # of file systems that have no locks
_BUSY = (errno.EACCES, errno.EAGAIN)
_descriptors: set[int] = set()  # of the locks that this process holds


@contextlib.contextmanager
def one_writer(
    folder: str | Path, argument: str = "out", part: tuple[int, int] = (0, 1)
) -> Iterator[None]:
    """Holds a folder; the operating system lets go of it when the process ends, however it does.

    While it is held, the folder has a file `.lock` (of a part `.lock-0-of-2`), which says by whom.
    One that a killed process left is nobody's, and is taken.

    Args:
        folder: made where it is missing.
        argument: what the folder was given as, for messages.
        part: (i, n), where n processes share the work: each may hold the folder for another i.

    Raises:
        ValueError: another process holds it; which, and since when.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"`{argument}` must be a folder; received the file {folder}.") from error
    own = folder / _name(part)
    with _held(own, folder, argument):
        # Own lock first, then a look at the others': two that begin at once may both be refused,
        # never both go on.
        for other in sorted(folder.glob(f"{NAME}*")):
            if other != own and not _side_by_side(other.name, part):
                with _held(other, folder, argument):
                    pass
        yield


def in_use(path: Path) -> bool:
    """Whether a process holds the lock file `path`; one that nobody holds is removed."""
    if not path.exists():
        return False
    try:
        with _held(path, path.parent, "path"):
            return False
    except ValueError:
        return True


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Holds the lock file `path`, for `in_use` to tell."""
    with _held(path, path.parent, "path"):
        yield


def _name(part):
    return NAME if part[1] == 1 else f"{NAME}-{part[0]}-of-{part[1]}"


def _side_by_side(name, part):
    """Whether a lock is that of another part of the same division of the work."""
    return part[1] > 1 and name.endswith(f"-of-{part[1]}")


@contextlib.contextmanager
def _held(path, folder, argument):
    lock = _lock(path)
    if lock is None:
        raise ValueError(
            f"`{argument}` must be a folder that no other process writes; received {folder}: "
            f"another run uses this folder ({_holder(path)}). Wait for it, or choose another "
            "folder."
        )
    try:
        yield
    finally:
        lock()


def _lock(path):
    """Takes a lock; returns the function that lets go of it, or None where another has it."""
    if fcntl is None:
        return _windows_lock(path)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _BUSY:
                return None
            if error.errno not in _UNKNOWN:
                raise
            warnings.warn(
                f"{path.parent} is on a file system without locks: nothing keeps a second run "
                "from writing there at the same time.",
                stacklevel=5,
            )
            path.unlink(missing_ok=True)
            return lambda: None
        if _is_at(descriptor, path):
            break
        os.close(descriptor)  # whoever had it has just removed it
    _descriptors.add(descriptor)
    with contextlib.suppress(OSError):  # on a full disk it does not say by whom
        os.ftruncate(descriptor, 0)
        os.write(descriptor, _self().encode())

    def release():
        if descriptor in _descriptors:  # not in a process that was forked meanwhile
            path.unlink(missing_ok=True)
            _descriptors.remove(descriptor)
            os.close(descriptor)

    return release


def _let_go():
    """In a forked process, which would hold the folder on after this one was killed."""
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


def _is_at(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _windows_lock(path):
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock.release


def _self():
    began = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"since {began} on {platform.node() or 'this machine'}, process {os.getpid()}"


def _holder(path):
    try:
        return path.read_text(encoding="utf-8") or "since a moment ago"
    except OSError:
        return "since a moment ago"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
