"""A recipe of a user's own, somewhere on disk."""

from tiny_task import VALUES, TinyTask

from keras_amid.experiments import main

CONFIG = {**VALUES, "task": TinyTask}
SMOKE = {**CONFIG, "epochs": 1}

if __name__ == "__main__":
    main(CONFIG, SMOKE, __doc__)
