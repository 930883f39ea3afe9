"""What is known of each modality of prepared data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from keras_amid.data.records.examples import VIDEO_ENCODINGS

_KINDS = {"utf-8": "text", "pcm16": "audio"} | dict.fromkeys(VIDEO_ENCODINGS, "video")


@dataclasses.dataclass(frozen=True)
class Modality:
    """A modality as it lies in the records of all splits.

    Attributes:
        kind: "video" (uint8), "audio" (float32 in [-1, 1]), "text" (string) or "array" (float32).
        shape: Tuple, of one sample; None in dimensions in which samples differ. Of a video (frames,
            height, width, channels), of a sound (samples,), of a text ().
        sample_rate: Samples a second of a sound; None for the other kinds.
        may_lack: Whether samples lack it, or may lack it.
    """

    kind: str
    shape: tuple[int | None, ...]
    sample_rate: int | None = None
    may_lack: bool = False

    @property
    def encoding(self) -> str:
        """One in which records may keep it."""
        return {"video": "raw", "audio": "pcm16", "text": "utf-8"}.get(self.kind, "float32")


def find_modalities(indexes: Iterable[dict[str, Any]]) -> dict[str, Modality]:
    """Returns dict name -> `Modality` of records, from their indexes.

    Args:
        indexes: Of the splits; a split may lack a modality.
    """
    found: dict[str, Modality] = {}
    for index in indexes:
        for name, form in index["modalities"].items():
            kind = _KINDS.get(form["encoding"], "array")
            rate = index["settings"].get("sample_rate") if kind == "audio" else None
            shape, may_lack = tuple(form["shape"]), form.get("may_lack", False)
            if name in found:
                may_lack = may_lack or found[name].may_lack
                pairs = zip(found[name].shape, shape, strict=True)
                shape = tuple(a if a == b else None for a, b in pairs)
            found[name] = Modality(kind, shape, rate, may_lack)
    return found
