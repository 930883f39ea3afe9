"""The command that turns official distributions into records.

    python -m keras_amid.data.prepare ucf51 --root UCF101 --out data/ucf51
    python -m keras_amid.data.prepare iemocap --help

It may be stopped at any time: the same command goes on where it was. On several machines with a
common disk, each runs it with another `--shard i/n`.
"""

import argparse
import inspect

from keras_amid.data.datasets import activitynet, iemocap, mmin, ucf51

_MODULES = {"ucf51": ucf51, "activitynet": activitynet, "iemocap": iemocap, "mmin": mmin}
_HELP = {
    "split": "number of the official split: 1, 2 or 3",
    "sample_rate": "samples a second of the sound",
    "short_side": "pixels of the pictures' shorter side",
    "fps": "frames a second to take; 0 for every frame",
    "side": "where the speaker is: markers (their wearer on the left), female (the woman), both",
    "face": "name of the file in V",
    "audio": "name of the file in A",
    "text": "name of the file in L",
    "shard_size": "samples a shard",
}
_TYPES = {"split": int, "sample_rate": int, "short_side": int, "fps": float, "shard_size": int}


def main(arguments=None):
    """Runs the command.

    Args:
        arguments: List of str; None for those of the command line.

    Returns:
        Exit status: 0, also where other parts have work to do.
    """
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    module = _MODULES[options.pop("dataset")]
    options["progress"] = not options.pop("quiet")
    options["part"] = part = options.pop("shard")
    if options.get("fps") == 0:
        options["fps"] = None
    try:
        data = module.prepare(**options)
    except ValueError as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    if data is None:
        print(f"part {part[0]}/{part[1]} is written; other parts are not yet complete")
    else:
        print(data.report())
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m keras_amid.data.prepare",
        description="Turn the files of an official distribution into records.",
    )
    commands = parser.add_subparsers(dest="dataset", required=True, metavar="DATASET")
    for name, module in _MODULES.items():
        title = module.__doc__.splitlines()[0]
        command = commands.add_parser(
            name,
            help=title,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--root", required=True, help="folder of the distribution")
        command.add_argument("--out", required=True, help="folder to write to")
        for option, parameter in inspect.signature(module.prepare).parameters.items():
            if option in _HELP:
                default = 0 if parameter.default is None else parameter.default
                command.add_argument(
                    f"--{option.replace('_', '-')}",
                    type=_TYPES.get(option, str),
                    default=default,
                    help=f"{_HELP[option]} (default: {default})",
                )
        command.add_argument("--shard", type=_part, default=(0, 1), metavar="I/N", help=_SHARD_HELP)
        command.add_argument("--workers", type=int, help="threads (default: one a processor core)")
        command.add_argument("--quiet", action="store_true", help="no progress bars")
    return parser


_SHARD_HELP = "write only the shards of part I of N, counted from 0 (default: 0/1, all)"


def _part(text):
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"must be I/N with 0 <= I < N, received {text!r}")
    return int(number), int(count)


if __name__ == "__main__":
    raise SystemExit(main())
