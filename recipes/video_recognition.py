"""The command that UCF51's and ActivityNet's recipes share: Table 1 and 2."""

import argparse
import functools
import logging
import time
from pathlib import Path

import keras
from video_experiment import SMOKE, Sizes, VideoExperiment, cache_sound, sound_network

from keras_amid.experiments import rows as methods
from keras_amid.experiments import runs
from keras_amid.experiments import training as comparison

COLUMNS = ("student top-1", "student R@1", "student R@5", "teacher top-1")


def parse(benchmark, doc, arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--root", type=Path, help="folder of the data set (not with --smoke)")
    add("--out", type=Path, default=Path(f"build/{benchmark.name}"), help="folder of all outputs")
    add("--export", type=Path, help=f"folder of the served student of the last row; "
        f"saved_models/{benchmark.name}, or, with --smoke, within --out")  # fmt: skip
    add("--rows", nargs="+", choices=list(methods.ROWS), default=["student alone", "AMID"],
        metavar="ROW", help=f"of the paper's tables: {', '.join(methods.ROWS)}")  # fmt: skip
    add("--seed", type=int, default=0, help="first seed")
    add("--seeds", type=int, default=1, help="number of seeds")
    add("--epochs", type=int, help=f"default: {Sizes().epochs}; {SMOKE.epochs} with --smoke")
    add("--depth", type=int, choices=[10, 18, 34], default=18,
        help="of R(2+1)D; 10 is what CCL's code calls 18")  # fmt: skip
    add("--sound-checkpoint", type=Path,
        help="PANNs' Cnn14_mAP=0.431.pth, pre-trained on AudioSet (not with --smoke)")  # fmt: skip
    add("--random-sound", action="store_true",
        help="random crops of the sound: the sound network runs in every step")  # fmt: skip
    add("--workers", type=int, help="threads that decode media; default: one a core")
    add("--tensorboard", action="store_true", help="write logs for TensorBoard")
    add("--smoke", action="store_true", help="every line of the code on a miniature in --out")
    options = parser.parse_args(arguments)
    for name in () if options.smoke else ("root", "sound_checkpoint"):
        if getattr(options, name) is None:
            parser.error(f"--{name.replace('_', '-')} is required without --smoke")
    options.sizes = SMOKE if options.smoke else Sizes(depth=options.depth)
    options.epochs = options.sizes.epochs if options.epochs is None else options.epochs
    for name, least in (("seed", 0), ("seeds", 1), ("epochs", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}; received {getattr(options, name)}")
    if options.export is None:
        home = options.out if options.smoke else Path(__file__).resolve().parents[1]
        options.export = home / "saved_models" / benchmark.name
    return options


def prepared(benchmark, options):
    """The data set in records, written on the first call; its report is printed."""
    root = options.root
    if options.smoke:
        root = options.out / "miniature"
        benchmark.miniature.write(root)
    sample_rate = 32000
    data = benchmark.data.prepare(
        root, options.out / "data", sample_rate=sample_rate, workers=options.workers
    )
    print(data.report(), flush=True)
    return data


def main(benchmark, doc, arguments=None):
    """Runs what the command line asks for, and prints what came out beside the paper's."""
    options = parse(benchmark, doc, arguments)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    start = time.monotonic()
    claimed = ("epochs", "depth", "random_sound", "smoke")
    backend = {"backend": keras.backend.backend()}
    comparison.claim(options.out, backend | {name: getattr(options, name) for name in claimed})
    data = prepared(benchmark, options)
    sound = functools.partial(sound_network, options.sound_checkpoint, options.sizes)
    if not options.random_sound:
        cache_sound(sound(), data, benchmark, options.sizes, options.epochs)
        sound = None
    results = {row: [] for row in options.rows}
    for seed in range(options.seed, options.seed + options.seeds):
        experiment = VideoExperiment(
            data, benchmark, options.sizes, options.epochs, seed, sound,
            tensorboard=options.tensorboard,
        )  # fmt: skip
        for row in options.rows:
            job = (
                experiment, row, seed, options.out / f"seed-{seed}", options.sizes.rate,
                options.sizes.decay,
            )  # fmt: skip
            results[row].append(runs.figures(*job))
    model = runs.trained(*job)
    clips = experiment.batches(benchmark.test, ("video",)).as_numpy_iterator()
    example = {"video": next(clips)[0]["video"]}
    version, difference = runs.export(model, example, options.export, data.class_names)
    table = runs.paper_table(COLUMNS, results, benchmark.paper)
    (options.out / "table.md").write_text(table)
    print(
        f"\n{table}\nExported student of {row!r}: {version}, loaded and compared with predict: "
        f"largest difference {difference:.1e}\n"
        f"{time.monotonic() - start:.0f} s on the {keras.backend.backend()} backend"
    )
