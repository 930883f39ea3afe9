"""Export a trained student for TensorFlow Serving and `keras-amid predict`.

keras-amid export runs/mine saved_models/mine
keras-amid export student.keras saved_models/mine --class-names classes.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path

from keras_amid.command.inputs import FILE
from keras_amid.validation.exits import Parser, finished


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", type=Path, help="folder of a run, or a .keras file")
    add("path", type=Path, help="folder of the served model's versions, e.g. saved_models/mine")
    add("--class-names", type=Path, metavar="FILE",
        help="one class name a line; a run has its own")  # fmt: skip
    add("--version", type=int, help="(default: one more than the highest in PATH)")
    given = parser.parse_args(arguments)

    def work():
        names, assets, model = None, {}, given.model
        if model.is_dir():
            names = (model / "class_names.txt") if given.class_names is None else None
            if not (model / "student.keras").exists():
                raise ValueError(
                    f"`model` must be a folder with a trained student; received {str(model)!r}."
                )
            assets = {FILE: (model / FILE).read_text(encoding="utf-8")}
            model = model / "student.keras"
        elif model.suffix != ".keras" or not model.is_file():
            raise ValueError(
                f"`model` must be a folder of a run or a .keras file; received {str(model)!r}."
            )
        names = given.class_names or names
        listed = None if names is None else names.read_text(encoding="utf-8").splitlines()
        import keras

        import keras_amid.api  # noqa: F401
        from keras_amid.export import export_student

        student = keras.saving.load_model(model, compile=False)
        print(export_student(student, given.path, listed, given.version, assets=assets))
        return 0

    return finished(parser, work)
