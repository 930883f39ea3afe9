"""What a media file that cannot be used raises."""

import contextlib

import av


class MediaError(Exception):
    """A media file that cannot be used: missing, broken, empty, or without what was asked for.

    Attributes:
        path: The file, as text.
        reason: What is wrong with it.
    """

    def __init__(self, path, reason):
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = reason

    def __str__(self):
        return f"{self.path}: {self.reason}"


@contextlib.contextmanager
def opened(path):
    """Opens a media file for reading; whatever FFmpeg or the file system says is a `MediaError`.

    Args:
        path: Media file.

    Yields:
        The open `av` container.
    """
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            yield container
    except (av.error.FFmpegError, OSError, ValueError) as error:
        # ValueError: PyAV's own word on what makes no sense in a damaged file.
        raise MediaError(path, _reason(path, error)) from error


def _reason(path, error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    try:
        with open(path, "rb") as file:
            if not file.read(1):
                return "empty file (zero bytes)"
    except OSError:
        pass
    return f"broken ({getattr(error, 'strerror', None) or error or type(error).__name__})"
