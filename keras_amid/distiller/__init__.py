"""What all methods share: extractors -> representations -> logits, and the step around them."""

from keras_amid.distiller.batch import Batch
from keras_amid.distiller.distiller import Distiller

__all__ = ["Batch", "Distiller"]
