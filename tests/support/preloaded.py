"""What the server of `processes` has imported before it forks: all that starting takes."""

import matplotlib.pyplot  # noqa: F401
import tensorflow  # noqa: F401

import keras_amid  # noqa: F401
import keras_amid.command  # noqa: F401
import keras_amid.data.prepare  # noqa: F401
import keras_amid.experiments.tables  # noqa: F401
import keras_amid.export  # noqa: F401
