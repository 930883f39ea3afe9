"""A Keras model whose training and evaluation loops get checked data only."""

import keras

from keras_amid import feeds
from keras_amid.checks import BatchCheck, check_class_weight


class CheckedModel(keras.Model):
    """Checks what `fit`, `evaluate`, `train_on_batch` and `test_on_batch` are given.

    A subclass has `num_classes`, `modalities` (all names data may have), `used_extractors` and
    `target_extractors` (dicts by the names that training and evaluation need), and `input_dtypes`
    (dict, name of an input as `keras_amid.checks.leaves` gives it -> dtype).
    """

    def fit(self, *args, **kwargs):
        """`keras.Model.fit`, with the data checked first.

        Args: as of `keras.Model.fit`; x is a dict, modality -> array, and y integer labels
            `(batch,)`, or x a stream of such pairs. `validation_data` may hold the target
            modalities only: then the student alone is evaluated.

        Raises:
            ValueError: for a missing or unknown modality, labels that are not integers of shape
                (batch,) in 0..num_classes-1, values that are not finite, negative weights. Arrays
                are checked before the first step, streams batch by batch before each is used.
        """
        fit = super().fit
        arguments = feeds.bind(fit, args, kwargs)
        check_class_weight(arguments.get("class_weight"), self.num_classes)
        feeds.check_argument(self._check("training data", self.used_extractors), arguments)
        check = self._check("validation data", self.target_extractors)
        validation_data = arguments.get("validation_data")
        if isinstance(validation_data, (tuple, list)):
            check.arrays(*check.structure(validation_data))
        elif validation_data is not None:
            arguments["validation_data"] = feeds.checked(check, validation_data)
        return feeds.run(self, lambda: fit(**arguments))

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate`; the target modalities suffice. Data are checked as in `fit`."""
        evaluate = super().evaluate
        arguments = feeds.bind(evaluate, args, kwargs)
        # Within `fit`, Keras passes the data that were checked there.
        if not arguments.get("_use_cached_eval_dataset"):
            feeds.check_argument(self._check("evaluation data", self.target_extractors), arguments)
        return feeds.run(self, lambda: evaluate(**arguments))

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """`keras.Model.train_on_batch`; the arrays are checked as in `fit`."""
        check_class_weight(class_weight, self.num_classes)
        self._check("training data", self.used_extractors).arrays(x, y, sample_weight)
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """`keras.Model.test_on_batch`; the arrays are checked as in `evaluate`."""
        self._check("evaluation data", self.target_extractors).arrays(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def _check(self, where, needed):
        return BatchCheck(needed, self.modalities, self.num_classes, where, self.input_dtypes)
