"""The command `python -m keras_amid`, the same as `keras-amid`."""

from keras_amid.command.main import run

if __name__ == "__main__":
    run()
