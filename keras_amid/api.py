"""What `import keras_amid` offers at once: all that Keras must know to load a saved model."""

from keras_amid import amid, baselines, distiller, extractors, losses  # noqa: F401
from keras_amid.amid import *  # noqa: F403
from keras_amid.baselines import *  # noqa: F403
from keras_amid.distiller import *  # noqa: F403
from keras_amid.validation.streams import checked

__all__ = ["checked"]
__all__ += amid.__all__
__all__ += baselines.__all__
__all__ += distiller.__all__
