"""Opening of media files: regular files of this machine, and nothing that has to be waited for."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

import av

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Limits, overtime

# What FFmpeg and PyAV raise about files that make no sense: besides errors of their own, damaged
# numbers end in sums (ArithmeticError), tables (LookupError) and sizes (MemoryError).
_FAULTS = (
    av.error.FFmpegError,
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    MemoryError,
)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Texts that lead FFmpeg on to other files, or into the network.
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"v=0\r", b"v=0\n")


@contextlib.contextmanager
def opened(
    path: str | os.PathLike, limits: Limits, skip_pictures: bool = False
) -> Iterator[av.container.InputContainer]:
    """Opens a media file for reading; whatever FFmpeg or the file system says is a `MediaError`.

    Args:
        path: Media file. It is never taken for an address, whatever its name looks like.
        limits: A `Limits`.
        skip_pictures: Decode no picture, not even to find out about the streams.

    Yields:
        The open `av` container.

    Raises:
        MediaError: The file is missing, empty, no regular file, or broken.
    """
    wary = {"skip_frame": "all"} if skip_pictures else pixel_guard(limits)
    try:
        _check_file(path)
        with av.open(
            # The name of a file may look like an address: "12:30 talk.mkv".
            "file:" + os.path.abspath(path),
            metadata_errors="ignore",
            options={"protocol_whitelist": "file", **wary},
            timeout=limits.seconds,
        ) as container:
            yield container
    except _FAULTS as error:
        raise MediaError(path, _reason(error, limits)) from error


def pixel_guard(limits: Limits) -> dict[str, str]:
    """Returns the options with which FFmpeg decodes no picture that is far beyond the limits.

    It counts rows that are padded, hence not the limit itself. What the header says of larger
    pictures it forgets.
    """
    return {"max_pixels": str(max(2 * round(limits.pixels), 2**20))}


def _check_file(path: str | os.PathLike) -> None:
    status = os.stat(path)
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise MediaError(path, f"no regular file but {_KINDS.get(kind, 'something else')}")
    # Without O_NONBLOCK a FIFO that takes the file's place meanwhile would be waited for.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        head = file.read(16)
    if not head:
        raise MediaError(path, "empty file (zero bytes)")
    if head.removeprefix(b"\xef\xbb\xbf").startswith(_PLAYLISTS):
        raise MediaError(path, "a list of files or addresses, no media file")


def _reason(error: Exception, limits: Limits) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if isinstance(error, av.error.ExitError):  # PyAV's own clock
        return overtime(limits)
    if isinstance(error, MemoryError):
        return "broken (asks for more memory than there is)"
    return f"broken ({getattr(error, 'strerror', None) or error or type(error).__name__})"
