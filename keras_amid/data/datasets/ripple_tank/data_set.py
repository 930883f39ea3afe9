"""Ripple tank, the embedded benchmark: real media files of generated events, ready for `fit`.

    tank = ripple_tank.prepare("data/ripple_tank/0", seed=0)
    train = tank.pipeline("train", batch_size=16, shuffle=EpochShuffle(0))

or, ahead of time,

    python -m keras_amid.data.prepare ripple_tank --out data/ripple_tank/0 --seed 0

The folder then holds `world.json` (seed and sizes), `manifest.jsonl` (a row a clip: id, file,
split, label, caption), `sounds.jsonl` (the same of the sounds of split "sounds", alone, with fine
labels), `media/<split>/` (FFV1 picture and FLAC sound in one .mkv; sounds alone in .flac),
`records/<split>/`, and what every prepared data set has. The data set is read from the two lists;
each is a table as `keras_amid.data.table` takes it, too.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.ripple_tank import world as rw
from keras_amid.data.datasets.table.sheet import read_sheet
from keras_amid.data.media import MediaError, read_clip, read_sound, write_clip, write_sound
from keras_amid.data.storage.files import read_json, refuse_other_settings, replacing, write_json
from keras_amid.data.storage.parallel import ordered_map
from keras_amid.data.storage.progress import progress_bar

if TYPE_CHECKING:
    from keras_amid.data.datasets.ripple_tank.tank import RippleTank

_FORMAT = 1
_SOUNDS = "sounds"  # the split without pictures
_CLIP_LIST, _SOUND_LIST = "manifest.jsonl", "sounds.jsonl"


@dataclasses.dataclass(frozen=True)
class RippleTankWorld(DataSet):
    """A world of the ripple tank, and how much of it to write; generated, so without `root`."""

    name = "Ripple tank"
    class_names = tuple(rw.class_names())
    modalities = ("video", "audio", "text")
    shard_size = 250
    picture_encoding = "png"
    generated = True
    grows = False

    seed: int = options.count(0, "the world, an integer >= 0")
    train: int = options.count(320, "pairs of picture and sound to train on")
    validation: int = options.count(400, "pairs to validate on")
    test: int = options.count(1000, "pairs to test on")
    sounds: int = options.count(2000, "sounds alone, with fine labels, to pre-train on")

    def write_files(self, out: Path, *, workers: int | None, progress: bool) -> Path:
        """Writes `world.json`, the manifest and the media files that are not there yet.

        Args:
            out: Folder to write to.
            workers: Number of threads, None for one a processor core.
            progress: Show a progress bar.

        Returns:
            `out`.

        Raises:
            ValueError: `out` holds another world or other sizes.
        """
        asked = {"format": _FORMAT, **self.settings()}
        found = read_json(out / "world.json")
        if found is None:
            write_json(out / "world.json", asked)
        else:
            refuse_other_settings(out, found, asked)
        if all(_is_complete(out / "records" / split) for split in self._splits()):
            return out  # the media are not needed any more
        events = self._events()
        rows = {split: _rows(split, events[split]) for split in events}
        clips = [row for split in rows if split != _SOUNDS for row in rows[split]]
        sounds = [{**row, "split": "train"} for row in rows.get(_SOUNDS, ())]
        _write_rows(out / _CLIP_LIST, clips)
        _write_rows(out / _SOUND_LIST, sounds)
        _write_media(out, rows, events, workers, progress)
        return out

    def read(self, root: str | Path) -> Listing:
        """Lists the clips and sounds of the world.

        Args:
            root: Folder of the files that `write_files` wrote.

        Returns:
            A `Listing`; rows have `split` and `caption`.
        """
        sounds = [{**row, "split": _SOUNDS} for row in _read_rows(Path(root) / _SOUND_LIST)]
        splits: dict[str, list[dict]] = {split: [] for split in self._splits()}
        for row in [*_read_rows(Path(root) / _CLIP_LIST), *sounds]:
            splits[row["split"]].append({**row, "label": int(row["label"])})
        return Listing(Path(root), self.class_names, splits, [])

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`; a file that was cut short is refused."""
        path = source / row["file"]
        if row["split"] == _SOUNDS:
            values: dict[str, Any] = {"audio": read_sound(path, rw.SAMPLE_RATE)}
        else:
            clip = read_clip(path, channels=1, sample_rate=rw.SAMPLE_RATE)
            values = {"video": clip.frames, "audio": clip.audio, "text": row["caption"]}
            wanted = (rw.FRAMES, rw.PIXELS, rw.PIXELS, 1)
            if clip.frames.shape != wanted:
                raise MediaError(path, f"frames of shape {clip.frames.shape}, expected {wanted}")
        if values["audio"].shape != (rw.SAMPLES,):
            raise MediaError(path, f"{len(values['audio'])} samples, expected {rw.SAMPLES}")
        return values

    def open_prepared(self, out: Path) -> RippleTank:
        """See `DataSet.open_prepared`."""
        from keras_amid.data.datasets.ripple_tank.tank import RippleTank

        return RippleTank.open(out)

    def decoding(self) -> dict:
        """See `DataSet.decoding`: the same for every world."""
        return {"sample_rate": rw.SAMPLE_RATE, "channels": 1}

    def _splits(self):
        sizes = {key: value for key, value in self.settings().items() if key != "seed"}
        return {split: size for split, size in sizes.items() if size}

    def _events(self):
        return {split: _drawn(self.seed, split, size) for split, size in self._splits().items()}


read, _prepare = functions_of(RippleTankWorld)


def prepare(out: str | Path, **options) -> RippleTank:
    """Writes a world's media files, manifest and records; goes on where it was stopped.

    The same seed and sizes give the same data, whatever `workers`.

    Args:
        out: Folder to write to.
        **options: Fields of `RippleTankWorld`, such as `seed` and `train`, and the keyword
            arguments of `keras_amid.data.datasets.prepare`.

    Returns:
        A `RippleTank`.

    Raises:
        ValueError: An argument is wrong, or `out` holds another world or other sizes.
    """
    return _prepare(None, out, **options)


@functools.lru_cache(maxsize=4)  # the splits of a world: they are listed and rendered
def _drawn(seed, split, size):
    return rw.World(seed).draw(split, size)


def _is_complete(folder):
    index = read_json(folder / "index.json")
    return index is not None and index["complete"]


def _rows(split, events):
    labels, suffix = (events.fine_labels, "flac") if split == _SOUNDS else (events.labels, "mkv")
    names = rw.fine_class_names()
    return [
        {
            "id": f"{split}-{number:05d}",
            "file": f"media/{split}/{split}-{number:05d}.{suffix}",
            "split": split,
            "label": int(label),
            "caption": names[fine],
        }
        for number, (label, fine) in enumerate(zip(labels, events.fine_labels, strict=True))
    ]


def _read_rows(path):
    """Rows that `_write_rows` wrote; none where it is empty, or older than `sounds.jsonl`."""
    return read_sheet(path).rows if path.exists() and path.stat().st_size else []


def _write_rows(path, rows):
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _write_media(folder, rows, events, workers, progress):
    """Renders and encodes the files that are not there; a file there is whole."""
    jobs = [
        (folder / row["file"], events[split], number)
        for split in rows
        for number, row in enumerate(rows[split])
    ]
    missing = [job for job in jobs if not job[0].exists()]
    with progress_bar(total=len(jobs), description="media", unit="file", show=progress) as bar:
        bar.update(len(jobs) - len(missing))
        for _ in ordered_map(_render, missing, workers):
            bar.update()


def _render(job):
    path, events, number = job
    sound = rw.render_sound(events.amplitudes[number], events.phases[number])
    if path.suffix == ".flac":
        write_sound(path, sound, rw.SAMPLE_RATE)
    else:
        video = rw.render_video(events.frames[number])
        write_clip(path, video, rw.FPS, sound, rw.SAMPLE_RATE)
