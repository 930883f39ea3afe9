"""IEMOCAP: emotion recognition from the face, with sound and words as auxiliary modalities.

Paper rows: Table 3, set-ups V, A-V, L-V and AL-V: WA and UA, one of five sessions left out in turn.

    python recipes/iemocap.py --root IEMOCAP_full_release --face-checkpoint densenet121.pth \\
        --sound-checkpoint wav2vec2-base --text-checkpoint bert-base-uncased \\
        --vocabulary bert-base-uncased/vocab.txt
    python recipes/iemocap.py --features mmin --root IEMOCAP_features_2021
    python recipes/iemocap.py --smoke

With --features raw the recipe cuts the utterances out of the dialogues and runs DenseNet (frame by
frame), wav2vec 2.0 and BERT (means over time) over them once; checkpoints are torchvision's and
Hugging Face's. With mmin it reads the feature files of the MMIN project. Expected, by the paper: V
51.2 / 50.8 (WA / UA), AMID A-V 52.5 / 51.7, L-V 53.0 / 52.4, AL-V 53.8 / 52.7. Nobody has run this
recipe on the data set yet: the figures it prints stand beside the paper's.

Protocol: D 768, batch 128, temperature .6, warm-up 5 epochs (the paper's); LSTM with max pooling,
Adam 2e-4 with a cosine to 0, 60 epochs, the last epoch's weights (choices: the paper is silent).
A run that was cut off goes on where it was when called again.

Hardware and hours, estimated: the features of the raw data take one GPU about an hour, once; a fold
of a set-up is 60 epochs of 34 steps over 120 frames of features, a minute or two on a GPU, ten on
a CPU; the four set-ups are 20 of them.

--smoke imitates the data set (real .avi and .wav files, broken ones too) and runs every line on it,
with tiny networks without checkpoints.
"""

import argparse
import logging
import time
from pathlib import Path

import emotion
import keras

from keras_amid.data import iemocap, mmin
from keras_amid.data.datasets.miniatures import iemocap as miniature
from keras_amid.data.datasets.miniatures import mmin as mmin_miniature
from keras_amid.experiments import rows as methods
from keras_amid.experiments import runs
from keras_amid.experiments import training as comparison

SETUPS = {"V": (), "A-V": ("audio",), "L-V": ("text",), "AL-V": ("audio", "text")}
PAPER = {
    "V": {"student alone": (51.2, 50.8)},
    "A-V": {"GMC": (51.7, 50.9), "CRCD": (51.8, 50.2), "CCL": (51.5, 51.4), "AMID": (52.5, 51.7)},
    "L-V": {"GMC": (50.9, 50.5), "CRCD": (50.2, 49.9), "CCL": (52.7, 51.8), "AMID": (53.0, 52.4)},
    "AL-V": {"GMC": (51.9, 50.5), "CRCD": (52.0, 49.4), "CCL": (53.2, 51.4), "AMID": (53.8, 52.7)},
}
COLUMNS = ("student WA", "student UA", "teacher WA", "teacher UA")
SMOKE = emotion.Sizes(
    frames=8, sound_seconds=0.5, tokens=8, short_side=32, units=16, batch=16, epochs=6,
    warmup_epochs=1, rate=1e-2,
    face_network={"blocks": (1, 1, 1, 1), "growth_rate": 4},
    sound_network={
        "conv_dim": (8,) * 7, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
    },
    text_network={"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 16},
)  # fmt: skip
# In place of BERT's vocabulary: a piece for each of the miniature's words.
SMOKE_VOCABULARY = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] stop shouting what fun the form so lonely not again".split()
)


def parse(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--root", type=Path, help="folder of the data set (not with --smoke)")
    add("--features", choices=list(emotion.NAMES), default="raw", help="what --root holds")
    for name, what in (
        ("face", "torchvision's DenseNet-121, .pth"),
        ("sound", "wav2vec 2.0, folder or file of Hugging Face's"),
        ("text", "BERT, folder or file of Hugging Face's"),
    ):
        add(f"--{name}-checkpoint", type=Path, help=f"{what} (--features raw)")
    add("--vocabulary", type=Path, help="BERT's vocab.txt (--features raw)")
    add("--out", type=Path, default=Path("build/iemocap"), help="folder of all outputs")
    add("--export", type=Path, help="folder of the served student of the last run; "
        "saved_models/iemocap, or, with --smoke, within --out")  # fmt: skip
    add("--setups", nargs="+", choices=list(SETUPS), default=list(SETUPS), help="of Table 3")
    add("--rows", nargs="+", choices=list(methods.ROWS), default=["AMID"], metavar="ROW",
        help=f"for all set-ups but V: {', '.join(methods.ROWS)}")  # fmt: skip
    add("--folds", nargs="+", type=int, choices=range(1, 6), metavar="1..5",
        help="sessions to leave out in turn; all, or 1 and 2 with --smoke")  # fmt: skip
    add("--seed", type=int, default=0)
    add("--epochs", type=int, help=f"{emotion.Sizes().epochs}; {SMOKE.epochs} with --smoke")
    add("--workers", type=int, help="threads that decode media; default: one a core")
    add("--tensorboard", action="store_true", help="write logs for TensorBoard")
    add("--smoke", action="store_true", help="every line of the code on a miniature in --out")
    return _completed(parser, parser.parse_args(arguments))


def _completed(parser, options):
    needed = ["root"]
    if options.features == "raw":
        needed += ["face_checkpoint", "sound_checkpoint", "text_checkpoint", "vocabulary"]
    for name in () if options.smoke else needed:
        if getattr(options, name) is None:
            parser.error(f"--{name.replace('_', '-')} is required without --smoke")
    options.folds = options.folds or ([1, 2] if options.smoke else [1, 2, 3, 4, 5])
    options.sizes = SMOKE if options.smoke else emotion.Sizes()
    options.epochs = options.sizes.epochs if options.epochs is None else options.epochs
    if options.epochs < 1:
        parser.error(f"--epochs must be at least 1; received {options.epochs}")
    if options.export is None:
        home = options.out if options.smoke else Path(__file__).resolve().parents[1]
        options.export = home / "saved_models" / "iemocap"
    return options


def prepared(options):
    """The data set in records and, with raw data, the features; its report is printed."""
    raw = options.features == "raw"
    root = options.root
    if options.smoke:
        root = options.out / "miniature"
        (miniature if raw else mmin_miniature).write(root)
        if raw and options.vocabulary is None:
            options.vocabulary = root / "vocab.txt"
            options.vocabulary.write_text("\n".join(SMOKE_VOCABULARY))
    if not raw:
        data = mmin.prepare(root, options.out / "data", workers=options.workers)
        print(data.report(), flush=True)
        return data, None
    data = iemocap.prepare(
        root, options.out / "data", short_side=options.sizes.short_side, workers=options.workers
    )
    print(data.report(), flush=True)
    return data, emotion.cached_features(data, options)


def job(data, features, options, setup, row, session):
    """The arguments of `runs.figures` for one run."""
    experiment = emotion.Emotions(data, features, options, SETUPS[setup], session, options.seed)
    folder = options.out / setup / f"session-{session}"
    return experiment, row, options.seed, folder, options.sizes.rate, emotion.DECAY


def main(arguments=None):
    """Runs what the command line asks for, and prints what came out beside the paper's."""
    options = parse(arguments)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    start = time.monotonic()
    claimed = ("features", "epochs", "seed", "smoke")
    backend = {"backend": keras.backend.backend()}
    comparison.claim(options.out, backend | {name: getattr(options, name) for name in claimed})
    data, features = prepared(options)
    tables = []
    for setup in options.setups:
        rows = options.rows if SETUPS[setup] else ["student alone"]
        jobs = {
            row: [job(data, features, options, setup, row, k) for k in options.folds]
            for row in rows
        }
        results = {row: [runs.figures(*arguments) for arguments in jobs[row]] for row in rows}
        paper = {
            row: dict(zip(COLUMNS, values, strict=False)) for row, values in PAPER[setup].items()
        }
        tables.append(f"{setup}\n\n{runs.paper_table(COLUMNS, results, paper)}")
    last = jobs[rows[-1]][-1]
    table = "\n".join(tables)
    (options.out / "table.md").write_text(table)
    version, difference = runs.export(
        runs.trained(*last), last[0].example(), options.export, data.class_names
    )
    print(
        f"\n{len(options.folds)} folds, mean +- standard deviation\n\n{table}\n"
        f"Exported student of the last run: {version}, loaded and compared with predict: largest "
        f"difference {difference:.1e}\n"
        f"{time.monotonic() - start:.0f} s on the {keras.backend.backend()} backend"
    )


if __name__ == "__main__":
    main()
