"""What `import keras_amid` offers at once: all that Keras must know to load a saved model."""

import keras_amid.extractors
import keras_amid.losses  # noqa: F401
from keras_amid.amid import AMID, AMIDSchedule, DirectAMID, amid_optimizer
from keras_amid.baselines import (
    CCL,
    CRCD,
    CRD,
    GMC,
    CRCDSchedule,
    StudentContrast,
    StudentOnly,
    TeacherOnly,
)
from keras_amid.distiller import Batch, Distiller
from keras_amid.validation.streams import checked

__all__ = [
    "AMID",
    "AMIDSchedule",
    "Batch",
    "CCL",
    "CRCD",
    "CRCDSchedule",
    "CRD",
    "DirectAMID",
    "Distiller",
    "GMC",
    "StudentContrast",
    "StudentOnly",
    "TeacherOnly",
    "amid_optimizer",
    "checked",
]
