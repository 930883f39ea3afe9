"""The command `python -m keras_amid.export`."""

from keras_amid.export.saved_model import main

if __name__ == "__main__":
    main()
