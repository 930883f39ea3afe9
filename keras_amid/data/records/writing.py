"""Manifest rows -> sharded TFRecords, written once, resumable; `shards` says what lies where."""

from __future__ import annotations

import functools
import hashlib
import json
import numbers
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import current_limits, within
from keras_amid.data.records.examples import AUDIO_ENCODINGS, VIDEO_ENCODINGS, encode_example
from keras_amid.data.records.index import read_index, read_samples
from keras_amid.data.records.one_shard import Encoded, LeftOut
from keras_amid.data.records.shards import Work, check_part, write_shards
from keras_amid.data.records.sidecars import Files
from keras_amid.data.storage.files import printable
from keras_amid.data.storage.isolation import LostWorker, isolated
from keras_amid.data.storage.parallel import check_workers, ordered_map

__all__ = ["read_index", "read_samples", "records_report", "write_records"]

_FORMAT = 4
_PCM, _TEXT = "pcm16", "utf-8"


def write_records(
    samples: Sequence[dict],
    folder: str | Path,
    read: Any,
    *,
    video: str = "png",
    audio: str = "pcm16",
    encodings: Mapping[str, str] | None = None,
    settings: Any = None,
    shard_size: int = 256,
    part: tuple[int, int] = (0, 1),
    grow: bool = False,
    may_lack: Iterable[str] = (),
    files: Files | None = None,
    workers: int | None = None,
    progress: bool = True,
    report: bool = True,
) -> dict:
    """Decodes samples and writes them to sharded TFRecords.

    A sample whose file `read` refuses with `MediaError` (broken, empty, no sound, ...) is left
    out; these, and what `read` notes of others, are listed by name at the end, in the index and on
    the standard output. So is a sample with which `read` ends its process (decoding libraries
    crash on some files), or takes longer than `limit` allows (`seconds`; 10 minutes unless set):
    `read` runs in worker processes, where it can be pickled. Killed and called again, the work
    goes on after the last whole shard, and what was left out is not tried again. Called with
    everything in place, it returns at once. What is written depends neither on the number of
    workers nor on that of the parts.

    Index and shards have digests, with which they are compared here and where they are read: a
    shard that is missing, damaged or another one is made anew, and so is a damaged index; the rest
    stays. One process at a time writes a folder (or a part of it).

    Args:
        samples: List of dicts with `id` (str, unique), `label` (int >= 0, or -1 for
            a sample without label), where it makes sense
            `group` (str, such as a session) and `file` (str, for the notes), and whatever `read`
            needs; JSON values only.
        folder: Where the shards and `index.json` go.
        read: Function of one such dict -> dict modality -> value, called in several processes,
            which import its module but run neither the script nor Keras (what it prints goes to
            the standard error); or, where it cannot be pickled (a lambda, a closure, an open
            file), in threads, where nothing can stop it. The same modalities for every sample; None
            is the value of one that the sample lacks. `video` is uint8 (frames, height, width, 1 or
            3), `audio` floating point (samples,), `text` a str; a value of any other name is a
            numeric array of any shape, kept as float32. Sizes may differ from sample to sample, the
            number of dimensions not. The key `notes` is no modality but a list of str: what is
            worth naming though the sample is kept.
        video: How frames are kept: "png" or "raw" (lossless), or "jpeg" (quality 95).
        audio: How sound is kept: "pcm16" (range [-1, 1]) or "float32".
        encodings: Dict modality -> how it is kept, of modalities with other names than video,
            audio and text: one of those above, "float32" or "utf-8".
        settings: Dict of JSON values that say what `read` does; records made with others are
            refused.
        shard_size: Samples a shard.
        part: (i, n): write every n-th shard, beginning with the i-th. So n processes or hosts with
            the same `samples` share the work on one folder, each with another i; whichever finds
            all shards whole writes the index.
        grow: Take up what is new: rows that were added, changed or taken out since, files that have
            another size now, and, of rows that were left out, files (or limits) that are others
            now. Only these are read; new rows fill new shards. False: other samples are refused.
        may_lack: Modalities that `read` may also leave out where a sample lacks them. `batches`
            gives `x["present"]` for them, and for any that a sample does lack.
        files: Function of a row that returns the files it is read from, for `grow`; None for
            its `file`.
        workers: Number of worker processes (or threads), None for one a processor core.
        progress: Show a progress bar.
        report: Print what was left out and noted.

    Returns:
        The index (dict), as `read_index` returns it; its `complete` is False while other parts
        have shards to write.

    Raises:
        ValueError: An argument is wrong, `folder` holds records made with other settings, or
            another process is writing them.
    """
    workers = check_workers(workers)
    check_part(part)
    named = dict(encodings or {})
    asked = _settings(samples, video, audio, named, settings, shard_size)
    encodings = {"video": video, "audio": audio, "text": _TEXT, **named}
    sounds = {name for name, encoding in encodings.items() if encoding == _PCM}
    sounds |= {"audio"} - set(named)
    limits = current_limits()
    with isolated(functools.partial(within, limits, read), limits.seconds) as reading:
        work = functools.partial(_encode, reading, encodings, sounds, tuple(may_lack))
        todo = Work(
            samples, Path(folder), asked, encodings,
            lambda rows: ordered_map(work, rows, workers, reading.close),
            shard_size, part, grow, may_lack, files or _file,
        )  # fmt: skip
        index = write_shards(todo, progress=progress, unit="clip")
    if report and index["complete"] and (index["left_out"] or index["notes"]):
        print(records_report(index, folder))
    return index


def _encode(read, encodings, sounds, may_lack, row):
    try:
        values = {**dict.fromkeys(may_lack), **read(row)}
    except MediaError as error:
        return LeftOut(error.path, error.reason)
    except LostWorker as error:
        return LeftOut(str(row.get("file", row["id"])), error.reason)
    notes = tuple(values.pop("notes", ()))
    _check_sounds(values, sounds, row["id"])
    return Encoded(*encode_example(row, values, encodings), notes)


def records_report(index: dict, folder: str | Path) -> str:
    """Returns text that counts and names the samples left out of records and those noted."""
    left_out, notes = index["left_out"], index["notes"]
    total = index["count"] + len(left_out)
    lines = [f"{folder}: {len(left_out)} of {total} samples left out"]
    lines += [f"  {item['id']}: {item['reason']}" for item in left_out]
    if notes:
        lines.append(f"{folder}: {len(notes)} notes on samples that are kept")
        lines += [f"  {item['id']}: {item['note']}" for item in notes]
    return printable("\n".join(lines))


def _file(row):
    return (row["file"],) if row.get("file") is not None else ()


def check_rows(samples: Sequence[dict]) -> None:
    """Raises `ValueError` unless every row has a unique `id` and a `label` >= -1."""
    if not samples:
        raise ValueError("`samples` must not be empty.")
    seen = set()
    for row in samples:
        if not isinstance(row.get("id"), str) or row["id"] in seen:
            raise ValueError(f"`samples` must have unique `id`s (str); received {row.get('id')!r}.")
        label = row.get("label")
        if not isinstance(label, numbers.Integral) or isinstance(label, bool) or label < -1:
            raise ValueError(
                f"`samples` must have integer `label`s >= -1; received {label!r} for {row['id']!r}."
            )
        if not isinstance(row.get("group"), (str, type(None))):
            raise ValueError(
                f"`samples` must have `group`s that are str; received {row['group']!r} for "
                f"{row['id']!r}."
            )
        for key in ("id", "group"):
            if printable(row.get(key) or "") != (row.get(key) or ""):
                raise ValueError(
                    f"`samples` must have an `{key}` that is text throughout; received "
                    f"{row[key]!r}, with a byte that could not be decoded, or half a character."
                )
        seen.add(row["id"])


def _settings(samples, video, audio, encodings, settings, shard_size):
    if video not in VIDEO_ENCODINGS:
        raise ValueError(f"`video` must be one of {VIDEO_ENCODINGS}; received {video!r}.")
    if audio not in AUDIO_ENCODINGS:
        raise ValueError(f"`audio` must be one of {AUDIO_ENCODINGS}; received {audio!r}.")
    known = (*VIDEO_ENCODINGS, *AUDIO_ENCODINGS, _TEXT)
    wrong = {name: encoding for name, encoding in encodings.items() if encoding not in known}
    if wrong:
        raise ValueError(f"`encodings` must be among {known}; received {wrong}.")
    if not isinstance(shard_size, int) or shard_size < 1:
        raise ValueError(f"`shard_size` must be a positive integer; received {shard_size!r}.")
    check_rows(samples)
    digest = hashlib.sha256(json.dumps(samples, sort_keys=True).encode()).hexdigest()
    own = {
        "format": _FORMAT,
        "video": video,
        "audio": audio,
        "shard_size": shard_size,
        "samples": f"{len(samples)} rows, sha256 {digest[:16]}",
    }
    if encodings:
        own["encodings"] = encodings
    # Through JSON, so that a tuple given now equals the list read back later.
    return {**own, **json.loads(json.dumps(settings or {}))}


def _check_sounds(values, sounds, sample):
    for name in sounds & {name for name, value in values.items() if value is not None}:
        sound = np.asarray(values[name])
        if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
            raise ValueError(
                f"`read` must return {name} as floating (samples,), not empty; for sample "
                f"{sample!r} it returned {sound.dtype} of shape {sound.shape}."
            )
