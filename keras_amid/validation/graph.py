"""The rules of `checks` in a tf.data graph: one boolean a batch, and Python only where it fails."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from keras_amid.validation.checks import check_batch, split
from keras_amid.validation.leaves import Leaf
from keras_amid.validation.rules import PRESENT, Expected, Rule, rules


class Tensors:
    """What the rules ask of TensorFlow, as `checks.Arrays` of NumPy."""

    @staticmethod
    def leaf(values: Any) -> Leaf:
        """Describes a tensor, which may be ragged or sparse."""
        shape = None if values.shape.rank is None else tuple(values.shape)
        return Leaf(values, shape, values.dtype.name)

    @staticmethod
    def size(values: Any) -> tf.Tensor:
        """The number of samples."""
        return values.nrows("int32") if isinstance(values, tf.RaggedTensor) else tf.shape(values)[0]

    @staticmethod
    def mislabelled(labels: Any, index: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """1 where y is not the label at the index, else 0; 1 for an index of another size too."""
        index = tf.clip_by_value(tf.cast(index, "int64"), 0, len(labels) - 1)
        labels, y = tf.gather(tf.constant(labels, "int64"), index), tf.cast(y, "int64")
        return tf.cast(tf.raw_ops.NotEqual(x=labels, y=y, incompatible_shape_error=False), "int8")

    @staticmethod
    def absent(mask: tf.Tensor) -> tf.Tensor:
        """1 where a mask is False, else 0."""
        return tf.cast(~mask, "int8")


def check_dataset(dataset: tf.data.Dataset, expected: Expected) -> tf.data.Dataset:
    """The dataset with every batch checked as it comes; DataError at once for its structure.

    Args:
        dataset: of batches, as of `keras_amid.validation.checks.check_batch`.
        expected: `Expected`.

    Returns:
        Dataset of the same batches; where labels do not count, of `(x,)`.
    """

    @tf.autograph.experimental.do_not_convert
    def check(*data):
        data = data[0] if len(data) == 1 else data
        parts = split(data, expected)
        good = tf.reduce_all([_holds(rule) for rule in rules(*parts, expected, Tensors)])
        checked = tf.cond(good, lambda: True, lambda: _refuse(data, expected))
        with tf.control_dependencies([checked]):
            data = data if expected.with_labels else parts[:1]
            return _masks_cast(tf.nest.map_structure(tf.identity, data), expected.mask_dtype)

    return dataset.map(check, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _masks_cast(data, dtype):
    x, *labels = data
    if PRESENT in x:
        x = {**x, PRESENT: {m: tf.cast(mask, dtype) for m, mask in x[PRESENT].items()}}
    return (x, *labels)


def _holds(rule):
    values, low, high = _counting(rule), rule.low, rule.high
    if isinstance(values, (tf.RaggedTensor, tf.SparseTensor)):
        values = values.values if isinstance(values, tf.SparseTensor) else values.flat_values
    if not tf.is_tensor(low):  # in TensorFlow's own choice of dtype a bound may overflow
        low, high = tf.constant(low, values.dtype), tf.constant(high, values.dtype)
    return tf.reduce_all((values >= low) & (values <= high))


def _counting(rule: Rule):
    """The values of the samples that count for a rule."""
    values, rows = rule.values, rule.rows
    if rows is None or isinstance(values, tf.SparseTensor):
        return values
    size = Tensors.size(values)
    rows = tf.pad(rows, [[0, size]], constant_values=True)[:size]  # of another size: another rule
    return tf.ragged.boolean_mask(values, rows)


def _refuse(data, expected):
    """Applies the rules to the arrays, which raises: the graph makes an error of its own of it."""

    def check(*arrays):
        check_batch(tf.nest.pack_sequence_as(data, arrays), expected)
        return True

    dense = [_dense(leaf) for leaf in tf.nest.flatten(data)]
    return tf.ensure_shape(tf.numpy_function(check, dense, tf.bool), ())


def _dense(values):
    if isinstance(values, tf.RaggedTensor):
        return values.to_tensor()
    return tf.sparse.to_dense(values) if isinstance(values, tf.SparseTensor) else values
