"""Kills at any moment: what is called again ends as if it had not been killed, nothing is left.

    PYTHONPATH=tests/support python tests/measures/measure_kills.py [--kills 20] [WHAT ...]

WHAT is of train, prepare, cache, export, compare; each is killed (SIGKILL) `--kills` times at a
moment drawn between nothing and the time that an uninterrupted call takes, and called again after
each. What a call that came to its end has left is compared with what an uninterrupted one leaves:
records, caches and tables to the bit, weights and histories number by number, exports as what
loads; then it begins anew.
Exit status 1 where anything differs, or a temporary file or folder is left.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TEMPORARY = (".part-*", ".export-*", ".index-*", ".lock*", ".*-of-*")


def train(root, out):
    import keras
    import tiny

    from keras_amid.experiments import fit

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            x, y = tiny.data()
            part = slice(8 * index, 8 * index + 8)
            return {name: value[part] for name, value in x.items()}, y[part]

    keras.utils.set_random_seed(1)
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), run_eagerly=True)
    fit(model, Batches(), epochs=8, folder=out)


def prepare(root, out):
    from keras_amid.data import ucf51

    ucf51.prepare(root / "ucf", out, short_side=16, shard_size=2, progress=False, workers=1)


def cache(root, out):
    import keras

    from keras_amid.data import cache_features
    from keras_amid.data.pipeline import feature_cache

    feature_cache._SHARD_SIZE = 4
    keras.utils.set_random_seed(1)
    extractor = keras.Sequential([keras.Input((64,)), keras.layers.Dense(8)])
    extractor.trainable = False
    cache_features(extractor, root / "records", out, "value", batch_size=2, progress=False)


def export(root, out):
    import keras
    import tiny

    import keras_amid as ka

    keras.utils.set_random_seed(1)
    ka.export_student(tiny.amid(), out)


def compare(root, out):
    import own_data
    import pytest

    from keras_amid.command.main import main

    words = ["--target=video", "--extractor", "video=clip_mlp", "--frames=4", "--size=16",
             "--epochs=3", "--batch=6", "--representation-dim=8",
             "--rows", "student alone", "GMC"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        own_data.train_eagerly(patch)
        main(["compare", str(root / "own" / "data"), f"--out={out}", *words])


WHAT = {f.__name__: f for f in (train, prepare, cache, export, compare)}


def make_inputs(root):
    """What the calls read."""
    import own_data

    from keras_amid.data import write_records
    from keras_amid.data.datasets.miniatures import ucf51

    ucf51.write(root / "ucf", classes=2, videos=3, size=(24, 32))
    rows = [{"id": str(n), "label": n % 3} for n in range(40)]
    write_records(rows, root / "records", lambda r: {"value": np.full(64, int(r["id"]), "float32")},
                  progress=False, report=False)  # fmt: skip
    own_data.make(root / "own")


def quietly(what, root, out):
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    WHAT[what](root, out)


def contents(what, out):
    """What must be the same: path -> bytes, or numbers."""
    import h5py

    found = {}
    if what == "export":
        import tensorflow as tf
        import tiny

        given = {"video": tf.constant(tiny.data()[0]["video"])}
        for version in sorted(out.iterdir()):  # a call killed at its very end has left one more
            if version.name.isdigit():
                served = tf.saved_model.load(str(version)).signatures["serving_default"](**given)
                said = {name: values.numpy().tolist() for name, values in served.items()}
                assert found.setdefault("served", said) == said, version
        return found
    for path in sorted(out.rglob("*")):
        name = str(path.relative_to(out))
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                file.visititems(
                    lambda key, item, name=name: found.update({f"{name}/{key}": item[()].tolist()})
                    if isinstance(item, h5py.Dataset) else None
                )  # fmt: skip
        elif path.is_file() and path.name not in ("seconds.json", "report.html", "training.png"):
            found[name] = path.read_bytes()
    return found


def left(out):
    return [str(p.relative_to(out)) for pattern in TEMPORARY for p in out.rglob(pattern)]


def start(context, what, root, out):
    process = context.Process(target=quietly, args=(what, root, out))
    process.start()
    return process


def measure(what, kills, rng, root):
    """Kills and compares; returns whether all is as it should be."""
    context = multiprocessing.get_context("spawn")
    whole, cut = root / f"{what}-whole", root / f"{what}-cut"
    for folder in (root / f"{what}-first", whole):  # the first one pays for what is compiled once
        begin = time.monotonic()
        process = start(context, what, root, folder)
        process.join()
        assert process.exitcode == 0, what
    took, expected, faults = time.monotonic() - begin, comparable(what, whole), []
    killed = ends = 0
    while killed < kills or process.exitcode != 0 or not cut.exists():
        process = start(context, what, root, cut)
        process.join(rng.uniform(0, took) if killed < kills else None)
        if process.is_alive():
            process.kill()
            process.join()
            killed += 1
            continue
        found, ends = comparable(what, cut), ends + 1
        faults += [f"exit status {process.exitcode}"] * bool(process.exitcode)
        faults += [k for k in {*expected, *found} if expected.get(k) != found.get(k)]
        faults += [f"left: {name}" for name in left(cut)]
        if killed < kills:
            shutil.rmtree(cut)
        elif process.exitcode:
            break
    said = {"what": what, "seconds uninterrupted": round(took, 1), "killed": killed}
    said |= {"came to their end": ends, "compared": len(expected), "faults": sorted(faults)[:9]}
    print(json.dumps(said), flush=True)
    return not faults


def comparable(what, out):
    """`contents`, whatever the folder is called."""
    name = str(out).encode()
    found = contents(what, out)
    return {k: v.replace(name, b"OUT") if isinstance(v, bytes) else v for k, v in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=list(WHAT), metavar="WHAT")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(Path(folder))
        return all([measure(what, options.kills, rng, Path(folder)) for what in options.what])


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
