"""Manifest rows -> sharded TFRecords, written once, resumable.

A folder of records holds the shards and `index.json`:

    {"settings": {...}, "complete": true, "count": 318,
     "modalities": {"video": {"encoding": "png", "shape": [8, 64, 64, 1]}, ...},
     "shards": [{"file": "shard-00000.tfrecord", "count": 256, "left_out": [...], ...}, ...],
     "left_out": [{"id": "train-00017", "reason": "broken (...)"}, ...]}

Shard i holds what could be read of rows i * shard_size to (i + 1) * shard_size - 1, in their order.
"""

import hashlib
import json
import numbers
from pathlib import Path

from tqdm.auto import tqdm

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.examples import AUDIO_ENCODINGS, VIDEO_ENCODINGS, encode_example
from keras_amid.data.files import read_json, refuse_other_settings, replacing, write_json
from keras_amid.data.media import MediaError
from keras_amid.data.parallel import check_workers, ordered_map

_FORMAT = 1


def write_records(
    samples,
    folder,
    read,
    *,
    video="png",
    audio="pcm16",
    settings=None,
    shard_size=256,
    workers=None,
    progress=True,
):
    """Decodes samples and writes them to sharded TFRecords.

    A sample whose file `read` refuses with `MediaError` (broken, empty, no sound, ...) is left
    out; these are listed by name at the end, on the standard output and in the index. Killed and
    called again, the work goes on after the last whole shard. Called with everything in place, it
    returns at once.

    Args:
        samples: List of dicts with `id` (str, unique), `label` (int >= 0) and whatever `read`
            needs; JSON values only.
        folder: Where the shards and `index.json` go.
        read: Function of one such dict -> dict modality -> value: `video` uint8 (frames, height,
            width, 1 or 3), `audio` floating point (samples,), `text` str; the same modalities for
            every sample. Called in several threads.
        video: How frames are kept: "png" or "raw" (lossless), or "jpeg" (quality 95).
        audio: How sound is kept: "pcm16" (range [-1, 1]) or "float32".
        settings: Dict of JSON values that say what `read` does; records made with others are
            refused.
        shard_size: Samples a shard.
        workers: Number of threads, None for one a processor core; the result is the same.
        progress: Show a progress bar.

    Returns:
        The index (dict), as `read_index` returns it.

    Raises:
        ValueError: An argument is wrong, or `folder` holds records made with other settings.
    """
    folder = Path(folder)
    workers = check_workers(workers)
    asked = _settings(samples, video, audio, settings, shard_size)
    index = read_json(folder / "index.json")
    if index is None:
        index = {"settings": asked, "complete": False, "shards": []}
    refuse_other_settings(folder, index["settings"], asked)
    if index["complete"]:
        return index
    kept = len(index["shards"])
    with tqdm(total=len(samples), desc=str(folder.name), disable=not progress, unit="clip") as bar:
        bar.update(min(kept * shard_size, len(samples)))
        for number in range(kept, -(-len(samples) // shard_size)):
            rows = samples[number * shard_size : (number + 1) * shard_size]
            path = folder / f"shard-{number:05d}.tfrecord"
            # The shard is renamed before the index names it: what the index names is whole.
            index["shards"].append(_write_shard(path, rows, read, video, audio, workers, bar))
            write_json(folder / "index.json", index)
    index = _complete(index)
    write_json(folder / "index.json", index)
    if index["left_out"]:
        print(left_out_summary(index, folder))
    return index


def read_index(folder):
    """Reads the index of a folder of complete records.

    Args:
        folder: A folder that `write_records` wrote.

    Returns:
        The index (dict; see the module's docstring).

    Raises:
        ValueError: There are no records, or they are not complete.
    """
    index = read_json(Path(folder) / "index.json")
    if index is None:
        raise ValueError(f"`folder`: {folder} holds no records (no index.json).")
    if not index["complete"]:
        raise ValueError(
            f"`folder`: the records in {folder} are not complete; call `write_records` again with "
            "the same arguments, it goes on where it stopped."
        )
    return index


def left_out_summary(index, folder):
    """Returns text that counts and names the samples left out of records, with the reasons."""
    left_out = index["left_out"]
    total = index["count"] + len(left_out)
    lines = [f"{folder}: {len(left_out)} of {total} samples left out"]
    return "\n".join(lines + [f"  {item['id']}: {item['reason']}" for item in left_out])


def _settings(samples, video, audio, settings, shard_size):
    if video not in VIDEO_ENCODINGS:
        raise ValueError(f"`video` must be one of {VIDEO_ENCODINGS}, received {video!r}.")
    if audio not in AUDIO_ENCODINGS:
        raise ValueError(f"`audio` must be one of {AUDIO_ENCODINGS}, received {audio!r}.")
    if not isinstance(shard_size, int) or shard_size < 1:
        raise ValueError(f"`shard_size` must be a positive integer, received {shard_size!r}.")
    if not samples:
        raise ValueError("`samples` must not be empty.")
    seen = set()
    for row in samples:
        if not isinstance(row.get("id"), str) or row["id"] in seen:
            raise ValueError(f"`samples` must have unique `id`s (str), received {row.get('id')!r}.")
        label = row.get("label")
        if not isinstance(label, numbers.Integral) or isinstance(label, bool) or label < 0:
            raise ValueError(
                f"`samples` must have integer `label`s >= 0, received {label!r} for {row['id']!r}."
            )
        seen.add(row["id"])
    digest = hashlib.sha256(json.dumps(samples, sort_keys=True).encode()).hexdigest()
    own = {
        "format": _FORMAT,
        "video": video,
        "audio": audio,
        "shard_size": shard_size,
        "samples": f"{len(samples)} rows, sha256 {digest[:16]}",
    }
    # Through JSON, so that a tuple given now equals the list read back later.
    return {**own, **json.loads(json.dumps(settings or {}))}


def _write_shard(path, rows, read, video, audio, workers, bar):
    def work(row):
        try:
            return encode_example(row, read(row), video, audio)
        except MediaError as error:
            return {"id": row["id"], "file": error.path, "reason": error.reason}

    entry = {"file": path.name, "count": 0, "shapes": None, "left_out": []}
    with replacing(path) as temporary, tensorflow().io.TFRecordWriter(str(temporary)) as writer:
        for row, result in zip(rows, ordered_map(work, rows, workers), strict=True):
            bar.update()
            if isinstance(result, dict):
                entry["left_out"].append(result)
                continue
            serialized, shapes = result
            writer.write(serialized)
            entry["count"] += 1
            entry["shapes"] = _merge_shapes(entry["shapes"], shapes, row["id"])
    return entry


def _merge_shapes(known, new, sample):
    """The shape that all samples share: None in the dimensions in which they differ."""
    new = {name: list(shape) for name, shape in new.items()}
    if known is None:
        return new
    if set(known) != set(new):
        raise ValueError(
            f"`read` must return the same modalities for every sample, received {sorted(new)} "
            f"for {sample!r} after {sorted(known)}."
        )
    return {
        name: [a if a == b else None for a, b in zip(known[name], new[name], strict=True)]
        for name in known
    }


def _complete(index):
    shapes = None
    for shard in index["shards"]:
        if shard["shapes"] is not None:
            shapes = _merge_shapes(shapes, shard["shapes"], shard["file"])
    encodings = {k: index["settings"].get(k, "utf-8") for k in shapes or {}}
    return {
        **index,
        "complete": True,
        "count": sum(shard["count"] for shard in index["shards"]),
        "modalities": {
            name: {"encoding": encodings[name], "shape": shape}
            for name, shape in (shapes or {}).items()
        },
        "left_out": [item for shard in index["shards"] for item in shard["left_out"]],
    }
