"""Ripple tank, the embedded benchmark: real media files of generated events, ready for `fit`.

    tank = ripple_tank.prepare("data/ripple_tank/0", seed=0)
    train = tank.pipeline("train", batch_size=16, shuffle=EpochShuffle(0))

or, ahead of time,

    python -m keras_amid.data.datasets.ripple_tank.tank --out data/ripple_tank/0 --seed 0

A prepared folder holds `world.json` (settings), `manifest.jsonl` (a row a clip: id, file, split,
label, caption), `media/<split>/` (FFV1 picture and FLAC sound in one .mkv; the sounds of split
"sounds" alone in .flac) and `records/<split>/`.
"""

import argparse
import dataclasses
import functools
import json
from pathlib import Path

from tqdm.auto import tqdm

from keras_amid.data.datasets.ripple_tank import world as rw
from keras_amid.data.media import MediaError, read_clip, read_sound, write_clip, write_sound
from keras_amid.data.pipeline.text import Tokens, Vocabulary
from keras_amid.data.records.writing import read_index, write_records
from keras_amid.data.storage.files import read_json, refuse_other_settings, replacing, write_json
from keras_amid.data.storage.parallel import check_workers, ordered_map

_FORMAT = 1
_SHARD_SIZE = 250


@dataclasses.dataclass(frozen=True)
class RippleTank:
    """A prepared ripple tank.

    Attributes:
        folder: Where it lies.
        seed: Of its world.
        counts: Dict split -> number of samples in the records (left-out files not counted).
        left_out: Dict split -> list of {"id", "file", "reason"}.
        class_names: Tuple of the 40 names of the labels.
        fine_class_names: Tuple of the 100 names of the labels of "sounds"; also the captions.
        vocabulary: `Vocabulary` of the captions.
        sample_rate: Of the sound, samples a second.
    """

    folder: Path
    seed: int
    counts: dict
    left_out: dict
    class_names: tuple = tuple(rw.class_names())
    fine_class_names: tuple = tuple(rw.fine_class_names())
    vocabulary: Vocabulary = Vocabulary.of(rw.fine_class_names())
    sample_rate: int = rw.SAMPLE_RATE

    def pipeline(self, split, batch_size, modalities=("video", "audio"), **options):
        """Batches of a split; see `keras_amid.data.batches` for arguments and what is yielded.

        Args:
            split: "train", "validation", "test" (video, audio, text; labels of 40 classes), or
                "sounds" (audio alone: pass `modalities=("audio",)`; labels of 100 fine classes).
            batch_size: Samples a batch.
            modalities: Any of "video", "audio", "text" (captions; the plain way: as tokens).
            **options: Of `keras_amid.data.batches`.
        """
        if split not in self.counts:
            raise ValueError(f"`split` must be one of {list(self.counts)}, received {split!r}.")
        from keras_amid.data.pipeline.batching import batches
        from keras_amid.data.pipeline.decoding import named_decoders

        modalities = named_decoders(modalities)
        if "text" in modalities and modalities["text"] is None:
            modalities["text"] = Tokens(self.vocabulary)
        return batches(self.folder / "records" / split, batch_size, modalities, **options)


def prepare(
    folder,
    seed=0,
    train=320,
    validation=400,
    test=1000,
    sounds=2000,
    workers=None,
    progress=True,
):
    """Writes a world's media files, manifest and records; goes on where it was stopped.

    Killed anywhere and called again, it writes what is not yet there. With everything in place
    it returns at once. The same seed and sizes give the same data, whatever `workers`.

    Args:
        folder: Where to write.
        seed: Integer >= 0, the world.
        train: Pairs of picture and sound to train on.
        validation: Pairs to validate on.
        test: Pairs to test on.
        sounds: More sounds, alone, with fine labels: the auxiliary extractor's pre-training.
        workers: Number of threads, None for one a processor core.
        progress: Show progress bars.

    Returns:
        A `RippleTank`.

    Raises:
        ValueError: An argument is wrong, or `folder` holds another world or other sizes.
    """
    folder = Path(folder)
    check_workers(workers)
    sizes = {"train": train, "validation": validation, "test": test, "sounds": sounds}
    _check_sizes(sizes)
    world = rw.World(seed)
    asked = {"format": _FORMAT, "seed": seed, **sizes}
    found = read_json(folder / "world.json")
    if found is None:
        write_json(folder / "world.json", asked)
    else:
        refuse_other_settings(folder, found, asked)
    splits = [split for split, size in sizes.items() if size]
    if all(_is_complete(folder / "records" / split) for split in splits):
        return _open(folder, seed, splits)

    events = {split: world.draw(split, sizes[split]) for split in splits}
    rows = {split: _rows(split, events[split]) for split in splits}
    _write_manifest(folder / "manifest.jsonl", [row for split in splits for row in rows[split]])
    _write_media(folder, rows, events, workers, progress)
    for split in splits:
        write_records(
            rows[split],
            folder / "records" / split,
            functools.partial(_read, folder),
            settings={"sample_rate": rw.SAMPLE_RATE, "channels": 1},
            shard_size=_SHARD_SIZE,
            workers=workers,
            progress=progress,
        )
    return _open(folder, seed, splits)


def _check_sizes(sizes):
    for split, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ValueError(f"`{split}` must be an integer >= 0, received {size!r}.")


def _is_complete(folder):
    index = read_json(folder / "index.json")
    return index is not None and index["complete"]


def _open(folder, seed, splits):
    indexes = {split: read_index(folder / "records" / split) for split in splits}
    return RippleTank(
        folder=folder,
        seed=seed,
        counts={split: index["count"] for split, index in indexes.items()},
        left_out={split: index["left_out"] for split, index in indexes.items()},
    )


def _rows(split, events):
    labels, suffix = (events.fine_labels, "flac") if split == "sounds" else (events.labels, "mkv")
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


def _write_manifest(path, rows):
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
    with tqdm(total=len(jobs), desc="media", disable=not progress, unit="file") as bar:
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


def _read(folder, row):
    """Decodes a row's file; one that was cut short is refused."""
    path = folder / row["file"]
    if row["split"] == "sounds":
        values = {"audio": read_sound(path, rw.SAMPLE_RATE)}
    else:
        clip = read_clip(path, channels=1, sample_rate=rw.SAMPLE_RATE)
        values = {"video": clip.frames, "audio": clip.audio, "text": row["caption"]}
        wanted = (rw.FRAMES, rw.PIXELS, rw.PIXELS, 1)
        if clip.frames.shape != wanted:
            raise MediaError(path, f"frames of shape {clip.frames.shape}, expected {wanted}")
    if values["audio"].shape != (rw.SAMPLES,):
        raise MediaError(path, f"{len(values['audio'])} samples, expected {rw.SAMPLES}")
    return values


def _main():
    parser = argparse.ArgumentParser(
        prog="python -m keras_amid.data.datasets.ripple_tank.tank",
        description="Write the ripple tank's media files, manifest and records.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="of the world")
    parser.add_argument("--train", type=int, default=320, help="training pairs")
    parser.add_argument("--validation", type=int, default=400, help="validation pairs")
    parser.add_argument("--test", type=int, default=1000, help="test pairs")
    parser.add_argument("--sounds", type=int, default=2000, help="sounds alone, to pre-train on")
    parser.add_argument("--workers", type=int, help="threads (default: one a processor core)")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args()
    tank = prepare(
        options.out,
        seed=options.seed,
        train=options.train,
        validation=options.validation,
        test=options.test,
        sounds=options.sounds,
        workers=options.workers,
        progress=not options.quiet,
    )
    left_out = sum(map(len, tank.left_out.values()))
    counts = ", ".join(f"{count} {split}" for split, count in tank.counts.items())
    print(f"{tank.folder}: {counts}; {left_out} left out")


if __name__ == "__main__":
    _main()
