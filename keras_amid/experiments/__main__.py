"""The command `python -m keras_amid.experiments`: every table of a recipe."""

import sys

from keras_amid.experiments.tables.command import main

if __name__ == "__main__":
    sys.exit(main(program="python -m keras_amid.experiments"))
