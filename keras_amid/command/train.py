"""Train on prepared data: the student alone and AMID, on one budget.

  keras-amid train data/mine --target video --out runs/mine
  keras-amid train data/mine --target video --auxiliary audio --seeds 3 --trials 8 --control
  keras-amid train --config runs/mine/config.toml

Killed and called again, it goes on where it was. In --out: report.html (open it in a browser),
table.md, config.toml (all settings; it repeats the run), student.keras, saved_model/ (for
TensorFlow Serving and `keras-amid predict`), and a folder a seed and row.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_amid.own import settings
from keras_amid.validation.exits import GOES_ON, Parser, finished

_EXTRACTORS = """\
Extractors (--extractor MODALITY=NAME), the first of a kind is its default:
  video   r2plus1d_small, r2plus1d_18 (torchvision's checkpoint), clip_mlp, densenet
          (torchvision's, or a keras-hub preset folder)
  audio   log_mel, cnn14 (PANNs' checkpoint), wav2vec2 (Hugging Face's)
  array   mlp, recurrent (the default where there are steps)
  text    recurrent, text_mlp, bert (Hugging Face's folder, or a keras-hub preset folder)
or MODULE:FUNCTION, a function of keras_amid.experiments.own.inputs.Input that returns a keras.Model
with the output (batch, features). An auxiliary network that has a checkpoint, or nothing to learn
(log_mel), stays as it is and runs once over the data; all others learn."""


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    return train(arguments, program, __doc__, {}, export=True)


def train(
    arguments: list[str],
    program: str,
    doc: str | None,
    defaults: Mapping[str, Any],
    export: bool,
) -> int:
    """The command line of `train` and `compare`, and their work.

    Args:
        arguments, program: as of `keras_amid.command`.
        doc: of the command.
        defaults: settings that are not those of `settings.ENTRIES`.
        export: whether the last row's student is exported where nothing else is said.

    Returns:
        The exit status.
    """
    parser = _parser(program, doc, defaults, export)
    given = vars(parser.parse_args(arguments))
    config, smoke, path = given.pop("config"), given.pop("smoke"), given.pop("export")
    no_export = given.pop("no_export")

    def work():
        values = settings.resolve(defaults | (settings.SMOKE if smoke else {}), config, given)
        for name in ("data", "target"):
            if not values.get(name):
                raise ValueError(f"`{name}` must be given, here or in --config; received none.")
        called = shlex.join([*program.split(), *arguments])
        if no_export:
            exported = None
        else:
            exported = path or (Path(values["out"]) / "saved_model" if export else None)
        from keras_amid.experiments.own.running import run

        run(values, exported, called)
        return 0

    return finished(parser, work, GOES_ON)


def _parser(program, doc, defaults, export):
    parser = Parser(
        prog=program, usage=f"{program} DATA --target MODALITY ... [options]", description=doc,
        epilog=_EXTRACTORS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("data", nargs="?", default=argparse.SUPPRESS,
        help="folder that `keras-amid prepare` wrote")  # fmt: skip
    add("--config", metavar="FILE", help="TOML file of settings, named as the options are, with _ "
        "for -; options win")  # fmt: skip
    where = "saved_model within --out" if export else "nothing is exported"
    add("--export", type=Path, metavar="FOLDER",
        help=f"of the served student's versions (default: {where})")  # fmt: skip
    add("--no-export", action="store_true", help="export nothing")
    add("--smoke", action="store_true", help="every line of the code on next to nothing")
    settings.add_options(parser, defaults)
    return parser
