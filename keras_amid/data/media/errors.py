"""What a media file that cannot be used raises."""

from __future__ import annotations

import os


class MediaError(Exception):
    """A media file that cannot be used: missing, broken, empty, or without what was asked for.

    Attributes:
        path: The file, as text.
        reason: What is wrong with it.
    """

    def __init__(self, path: str | os.PathLike, reason: str) -> None:
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
