"""The command `keras-amid` (= `python -m keras_amid`): one module a subcommand.

    keras-amid prepare clips.csv --out data/mine

A new subcommand is a line in `COMMANDS`, and a module of that name in this package with

    main(arguments, program) -> int    its words on the command line (list of str), what its
                                       messages call it ("keras-amid prepare"); the exit status

`keras_amid.validation.exits` has the parser, and what becomes of errors. The module imports next to
nothing at its top: `--help` answers at once, so what takes long to import (Keras, TensorFlow,
FFmpeg) is imported by the functions that need it. In the command's process `import keras_amid` does
not import Keras either; what Keras must know to load a saved model comes with
`import keras_amid.api`.

What `prepare` writes, for tables and for the paper's data sets alike, and what the others read:

    out/dataset.json       what is in the folder; read it with
                           `keras_amid.data.datasets.read_prepared(out)`
    out/records/<split>/   records for `keras_amid.data.batches`; of a table the splits are among
                           train, validation, test (empty ones are left out)
    out/splits.csv         of a table: the split of each row
    out/report.txt, report.json

`read_prepared` gives a `PreparedData`: `modalities` (dict name -> `Modality`: `kind` "video",
"audio", "text" or "array", `shape`, `sample_rate`), `class_names`, `counts`, `left_out`,
`settings`, `records(split)`, `samples(split)`, `pipeline(split, batch_size, modalities)`. Label -1
is a sample without label.
"""

import sys
from pathlib import Path

#: Name, also of the module -> what it does.
COMMANDS = {
    "prepare": "turn a table of your own media, or a data set of the paper, into records",
    "train": "train the student alone and AMID on them, and export the student",
    "compare": "compare methods over several seeds, with paired tests and the shuffled control",
    "evaluate": "test figures of a trained run",
    "predict": "labels and probabilities of media files, from an exported or a served student",
    "export": "export a trained student: SavedModel, ONNX or LiteRT",
    "formats": "a run's student in every format: size, test accuracy and time",
}


def is_running() -> bool:
    """Says whether this process is the command, whose help does without Keras."""
    program = Path(sys.argv[0]).stem if sys.argv else ""
    # Until Python has found the module of `-m`, that is what the process is called.
    return program == "keras-amid" or (program == "-m" and "keras_amid" in sys.orig_argv)
