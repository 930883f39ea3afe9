"""Checks of what is fed to a model: modalities, index, labels, weights, finite numbers.

The same rules in two forms: on arrays, before training, and inside a tf.data pipeline, where
they run beside the training and not in its hot loop.
"""

import contextlib
import re

import keras
import numpy as np

from keras_amid.validation.arguments import INDEX

_MARK, _END = "<keras_amid>", "</keras_amid>"
_INDEX_NAME = f"x[{INDEX!r}]"


def check_modalities(x, needed, known=None, argument="x"):
    """Raises ValueError unless x is a dict with all the needed modalities and only known ones.

    Args:
        x: the input of a model.
        needed: names that must be there.
        known: names that may be there besides the key "index"; None: any.
        argument: str, what to call x.
    """
    needed = list(needed)
    known = list(x if known is None and isinstance(x, dict) else known or needed)
    if not isinstance(x, dict):
        raise ValueError(
            f"`{argument}` must be a dict, modality -> array, with {needed}; "
            f"received {type(x).__name__}."
        )
    missing = [name for name in needed if name not in x]
    unknown = sorted(str(name) for name in x if name not in known and name != INDEX)
    if missing or unknown:
        found = [f"missing {missing}"] if missing else []
        found += [f"unknown {unknown}"] if unknown else []
        raise ValueError(
            f"`{argument}` has {' and '.join(found)}; received the modalities "
            f"{sorted(map(str, x))}, expected {needed}"
            + (f" (and optionally {sorted(set(known) - set(needed))})." if known != needed else ".")
        )


class BatchCheck:
    """The rules for one model, to be applied to arrays or inside a tf.data pipeline.

    Args:
        needed: modalities that must be there; "index" too where the model needs it.
        known: modalities that may be there.
        num_classes: int.
        where: str, what the messages call the data (`"training data"`).
        dtypes: dict, name of an input as `leaves` gives it -> dtype its extractor takes, where
            that is known.
        labels_by_index: integer array, shape `(n,)`, or None: where given, the index must be in
            0..n-1, and `y` this label of it.
    """

    def __init__(self, needed, known, num_classes, where="data", dtypes=None, labels_by_index=None):
        self.needed, self.known = list(needed), list(known)
        self.num_classes = num_classes
        self.where = where
        self.dtypes = dict(dtypes or {})
        self.labels_by_index = None if labels_by_index is None else np.asarray(labels_by_index)

    def structure(self, data):
        """Splits `(x, y)` or `(x, y, sample_weight)`, refusing anything else."""
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError(
                f"the {self.where} must yield (x, y) or (x, y, sample_weight), x a dict of "
                f"modalities, y integer labels; received {type(data).__name__}."
            )
        x, y, sample_weight = (*data, None)[:3]
        check_modalities(x, self.needed, self.known, argument=f"x of the {self.where}")
        if y is None:
            raise ValueError(f"`y` of the {self.where} is None; integer labels are expected.")
        return x, y, sample_weight

    def label_spec(self, shape, dtype):
        """Refuses labels that are not integers of shape (batch,)."""
        self._integers_spec("`y`", shape, dtype)

    def _integers_spec(self, name, shape, dtype):
        dtype = keras.backend.standardize_dtype(dtype)
        if len(shape) != 1 or "int" not in dtype:
            raise ValueError(
                f"{name} of the {self.where} must be integers of shape (batch,); received {dtype} "
                f"of shape {tuple(shape)}."
            )

    def input_spec(self, name, dtype):
        """Refuses fractions for an extractor of whole numbers: Keras would cut them off."""
        expected = self.dtypes.get(name, "float32")
        dtype = keras.backend.standardize_dtype(dtype)
        if "int" in expected and "float" in dtype:
            raise ValueError(
                f"{name} of the {self.where} must be {expected}, as its extractor takes it; "
                f"received {dtype}."
            )

    def arrays(self, x, y, sample_weight=None):
        """Checks whole arrays (numpy, or of a backend); returns nothing."""
        x, y, sample_weight = self.structure((x, y, sample_weight))
        y = _array(y)
        self.label_spec(y.shape, y.dtype)
        wrong = y[(y < 0) | (y >= self.num_classes)]
        if wrong.size:
            raise ValueError(self._labels_message(_some(wrong)))
        for name, values in leaves(x):
            values = _array(values)
            if values.shape[:1] != y.shape:
                raise ValueError(
                    f"{name} of the {self.where} must have as many samples as `y`, {len(y)}; "
                    f"received shape {values.shape}."
                )
            self.input_spec(name, values.dtype)
            if not _all_finite(values):
                raise ValueError(self._finite_message(name))
        if INDEX in x:
            self._index_array(_array(x[INDEX]), y)
        if sample_weight is not None:
            weight = _array(sample_weight)
            if weight.shape != y.shape:
                raise ValueError(self._weight_shape_message(y.shape, weight.shape))
            if not (_all_finite(weight) and (weight >= 0).all()):
                raise ValueError(self._weight_message())

    def _index_array(self, index, y):
        self._integers_spec(_INDEX_NAME, index.shape, index.dtype)
        labels = self.labels_by_index
        if labels is None:
            return
        wrong = index[(index < 0) | (index >= len(labels))]
        if wrong.size:
            raise ValueError(self._index_message(_some(wrong)))
        wrong = index[labels[index] != y]
        if wrong.size:
            raise ValueError(self._index_label_message(_some(wrong)))

    def batch(self, data):
        """Checks one batch of a stream and returns it."""
        with marked():
            self.arrays(*self.structure(data))
        return data

    def dataset(self, dataset):
        """The `tf.data.Dataset` with the checks in it; its structure is checked at once."""
        import tensorflow as tf

        x, y, sample_weight = self.structure(dataset.element_spec)
        for name, spec in leaves(x):
            self.input_spec(name, spec.dtype.name)
        if y.shape.rank is not None:
            self.label_spec(y.shape, y.dtype.name)
        if INDEX in x and x[INDEX].shape.rank is not None:
            self._integers_spec(_INDEX_NAME, x[INDEX].shape, x[INDEX].dtype.name)
        if sample_weight is not None and sample_weight.shape.rank not in (None, 1):
            raise ValueError(self._weight_shape_message("(batch,)", sample_weight.shape))
        # Nothing in it for AutoGraph to convert.
        check = tf.autograph.experimental.do_not_convert(self._check_tensors)
        return dataset.map(check, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

    def _check_tensors(self, *data):
        import tensorflow as tf

        x, y, sample_weight = self.structure(data)
        checks = []

        def require(condition, message, *values):
            text = tf.strings.format(f"{_MARK}{message}{_END}", values)
            checks.append(tf.debugging.Assert(condition, [text], summarize=8))

        if y.shape.rank is None:
            require(tf.rank(y) == 1, f"`y` of the {self.where} must have shape (batch,).")
        wrong = tf.boolean_mask(y, (y < 0) | (y >= tf.cast(self.num_classes, y.dtype)))
        require(tf.equal(tf.size(wrong), 0), self._labels_message("{}"), wrong)
        for name, values in leaves(x):
            if values.dtype.is_floating:
                finite = tf.reduce_all(tf.math.is_finite(values))
                require(finite, self._finite_message(name))
        if INDEX in x and self.labels_by_index is not None:
            self._index_tensor(x[INDEX], y, require)
        if sample_weight is not None:
            good = tf.reduce_all((sample_weight >= 0) & tf.math.is_finite(sample_weight))
            require(good, self._weight_message())
        with tf.control_dependencies(checks):
            return tf.nest.map_structure(tf.identity, data)

    def _index_tensor(self, index, y, require):
        import tensorflow as tf

        labels = tf.constant(self.labels_by_index, y.dtype)
        outside = (index < 0) | (index >= tf.cast(len(self.labels_by_index), index.dtype))
        wrong = tf.boolean_mask(index, outside)
        require(tf.equal(tf.size(wrong), 0), self._index_message("{}"), wrong)
        known = tf.gather(labels, tf.where(outside, tf.zeros_like(index), index))
        wrong = tf.boolean_mask(index, (known != y) & ~outside)
        require(tf.equal(tf.size(wrong), 0), self._index_label_message("{}"), wrong)

    def _index_message(self, wrong):
        n = len(self.labels_by_index)
        return (
            f"{_INDEX_NAME} of the {self.where} must be in 0..{n - 1}, for `train_labels` has {n} "
            f"labels; received {wrong}."
        )

    def _index_label_message(self, wrong):
        return (
            f"{_INDEX_NAME} of the {self.where} must be each sample's place in `train_labels`, "
            f"with its label in `y`; it is not at the indices {wrong}."
        )

    def _labels_message(self, wrong):
        return (
            f"`y` of the {self.where} must be in 0..{self.num_classes - 1} "
            f"(num_classes={self.num_classes}); received {wrong}."
        )

    def _finite_message(self, name):
        return f"{name} of the {self.where} must be finite; it holds NaN or infinite values."

    def _weight_shape_message(self, expected, received):
        return (
            f"`sample_weight` of the {self.where} must have the shape of `y`, {expected}; "
            f"received {tuple(received)}."
        )

    def _weight_message(self):
        return f"`sample_weight` of the {self.where} must be finite and not negative."


@contextlib.contextmanager
def marked():
    """Marks a ValueError's message: what reads the stream may wrap it in another error."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{_MARK}{error}{_END}") from None


def message_of(error):
    """The message of a check that ran in a stream, out of the error it surfaced as, or None."""
    found = re.search(f"{_MARK}(.*?){_END}", str(error), re.DOTALL)
    return found and found.group(1).replace("\\'", "'")


def check_class_weight(class_weight, num_classes):
    """Raises ValueError unless it is None or a dict, label -> finite weight >= 0."""
    for label, weight in (class_weight or {}).items():
        if label not in range(num_classes) or not (np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"`class_weight` must map labels in 0..{num_classes - 1} to finite weights >= 0; "
                f"received {label!r}: {weight!r}."
            )


def leaves(x):
    """Pairs of (printable name, leaf) of a dict of modalities, which may be nested."""
    flat = keras.tree.flatten_with_path(x)
    return [("x" + "".join(f"[{key!r}]" for key in path), leaf) for path, leaf in flat]


def _array(values):
    """A numpy array of a list, numpy array or tensor of any backend."""
    if isinstance(values, (np.ndarray, list, tuple, int, float)) or np.isscalar(values):
        return np.asarray(values)
    if hasattr(values, "detach"):  # a torch tensor, under whatever backend
        values = values.detach().cpu()
    return np.asarray(keras.ops.convert_to_numpy(values))


def _some(values):
    return np.array2string(values, threshold=8, edgeitems=4)


def _all_finite(values, chunk=1024):
    """Whether all are finite; by chunks of samples, so that memory stays small."""
    if values.dtype.kind != "f" and "float" not in str(values.dtype):
        return True
    return all(np.isfinite(values[i : i + chunk]).all() for i in range(0, len(values), chunk))
