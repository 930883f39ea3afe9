"""Damaged files by the thousand: how reading them ends, what it takes, and what it lets through.

    PYTHONPATH=tests/support python tests/measures/measure_damage.py [--count 2000] [--seed 0]

Every file is a real one with bytes changed, put in, taken out or cut off; each is read in a worker
process. Bounds: an error is a ValueError that names the file (of a crash: the worker's), no call
takes over 10 s, no worker grows by more than 1 GiB, and what is read without an error or a note is
what was written: all of a sound or film but a tenth (what pixels and samples are cannot be proved),
records to the bit. Exit status 1 where a bound is broken.
"""

import argparse
import collections
import functools
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import cloudpickle
import films
import numpy as np
from safetensors.numpy import save_file

SECONDS, MEMORY = 10.0, 2**30
FORMATS = ("mkv", "webm", "mp4", "mov", "ts", "avi", "flv")


def write_originals(folder):
    """Real files, one or more of each kind."""
    from keras_amid.data import write_records, write_sound
    from keras_amid.data.datasets import miniatures

    tone = np.sin(np.arange(96_000) / 9).astype("float32") * 0.5
    for name in FORMATS:
        films.write_film(folder / f"film.{name}", films.numbered(50), tone)
    write_sound(folder / "sound.wav", tone, 48_000)
    write_sound(folder / "sound.flac", tone, 48_000)
    np.save(folder / "array.npy", np.ones((50, 4), "float32"))
    save_file({"a": np.ones((4, 3), "float32"), "b": np.ones(3)}, folder / "net.safetensors")
    rows = [{"id": f"r{n}", "label": n % 2} for n in range(8)]
    write_records(rows, folder / "records", _values, shard_size=4, progress=False)
    for name in ("ucf51", "activitynet", "iemocap", "mmin"):
        getattr(miniatures, name).write(folder / name)


def _values(row):
    return {"value": np.full(64, row["label"], "float32"), "text": row["id"]}


def read_film(path):
    from keras_amid.data import read_segments

    found = read_segments(path, short_side=32, sample_rate=16_000)
    good = len(found.frames) >= 45 and len(found.audio) >= 0.9 * 32_000
    return good or bool(found.notes)


def read_sound(path):
    from keras_amid.data import read_sound as read

    notes = []
    return len(read(path, 16_000, notes=notes)) >= 0.9 * 32_000 or bool(notes)


def read_array(path):
    from keras_amid.data.datasets.table.cells import read_array as read

    return read(path).shape == (50, 4)


def read_checkpoint(path):
    from keras_amid.extractors.checkpoints.assigning import read_checkpoint as read

    return bool(read(path))  # its format has no digest: what is in a tensor cannot be proved


def read_records(path):
    """Sidecars are not needed for reading: damaged ones must not matter."""
    from keras_amid.data import batches, read_samples

    labels = [s["label"] for s in read_samples(path.parent)]
    values = [(float(v), int(y[0])) for x, y in batches(path.parent, 1, ["value"])
              for v in x["value"].numpy().ravel()]  # fmt: skip
    return labels == [0, 1] * 4 and values == [(n % 2, n % 2) for n in range(8) for _ in range(64)]


def read_layout(name, path, root):
    import importlib

    module = importlib.import_module(f"keras_amid.data.datasets.{name}")
    listing = module.read(root)
    return all(
        0 <= r["label"] < len(listing.class_names) for s in listing.splits.values() for r in s
    )


def jobs(folder):
    """Pairs of a file and the function that reads it."""
    found = [(folder / f"film.{name}", read_film) for name in FORMATS for _ in range(3)]
    found += [(folder / f"sound.{name}", read_sound) for name in ("wav", "flac")] * 2
    found += [(folder / "array.npy", read_array), (folder / "net.safetensors", read_checkpoint)]
    found += [(path, read_records) for path in sorted((folder / "records").iterdir())] * 2
    for name, pattern in (("ucf51", "*/*01.txt"), ("activitynet", "*.json"),
                          ("iemocap", "**/*.txt"), ("mmin", "target/1/*.npy")):  # fmt: skip
        root = folder / name
        paths = sorted(root.glob(pattern))[:4]
        found += [(path, functools.partial(read_layout, name, root=root)) for path in paths]
    return found


def mutated(content, rng):
    """Bytes with one to four changes."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(0, max(1, len(content))))
        if rng.random() < 0.5:  # headers are where it hurts
            place = min(place, int(rng.integers(0, 200)))
        size = int(rng.integers(1, 9))
        kind = rng.integers(0, 4)
        if kind == 0:
            content[place : place + size] = rng.bytes(size)
        elif kind == 1:
            content[place:place] = rng.bytes(size)
        elif kind == 2:
            del content[place : place + 16 * size]
        elif rng.random() < 0.3:
            del content[place:]
    return bytes(content)


def attempt(job):
    """How reading ends (in a worker): a word, what was said, the worker's memory, seconds."""
    path, pickled = job
    import tensorflow  # noqa: F401  # takes seconds, once a worker, which are not the file's

    import keras_amid.data.pipeline.batching  # noqa: F401

    start = time.monotonic()
    try:
        outcome, said = ("whole" if cloudpickle.loads(pickled)(path) else "silent"), ""
    except ValueError as error:  # of which MediaError is one
        named = path.name in str(error) or str(path.parent) in str(error) or "`root`" in str(error)
        outcome, said = ("named" if named else "unnamed"), str(error)
    except Exception as error:
        named = type(error).__module__.startswith("tensorflow") and path.name in str(error)
        outcome = "named" if named or type(error).__name__ == "MediaError" else "other"
        said = f"{type(error).__name__}: {error}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return outcome, said, memory, time.monotonic() - start


def measure(count, seed):
    """Reads `count` damaged files; returns the number of broken bounds."""
    from keras_amid.data.storage.isolation import LostWorker, isolated

    rng, outcomes, broken = np.random.default_rng(seed), collections.Counter(), []
    slowest = 0.0
    base, most = {}, 0
    with tempfile.TemporaryDirectory() as folder, isolated(attempt, 120.0) as reading:
        folder = Path(folder)
        write_originals(folder)
        todo = jobs(folder)
        for path, read in todo:  # what a worker takes with whole files
            base = reading((path, cloudpickle.dumps(read)))
            assert base[0] == "whole", (path, base)
        for number in range(count):
            path, read = todo[number % len(todo)]
            content = path.read_bytes()
            path.write_bytes(mutated(content, rng))
            try:
                outcome, said, memory, took = reading((path, cloudpickle.dumps(read)))
                most, slowest = max(most, memory - base[2]), max(slowest, took)
                outcome = "slow" if took > SECONDS else outcome
            except LostWorker as lost:
                outcome = "hung" if "not read within" in lost.reason else "crashed, named"
                said = lost.reason
            outcomes[outcome] += 1
            if outcome not in ("whole", "named", "crashed, named"):
                broken.append(outcome)
                kept = Path(tempfile.gettempdir()) / f"damage-{seed}-{number}{path.suffix}"
                shutil.copy(path, kept)
                print(f"{outcome}: {path.relative_to(folder)} ({kept}): {said[:300]}", flush=True)
            path.write_bytes(content)
    print(f"{count} damaged files: {dict(outcomes)}; slowest {slowest:.1f} s; "
          f"worker grew by {most / 2**20:.0f} MiB")  # fmt: skip
    return len(broken) + (most > MEMORY)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(1 if measure(options.count, options.seed) else 0)
