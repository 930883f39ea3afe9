"""A shuffle order that is a function of the seed and the epoch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from keras_amid.data._tensorflow import as_written, tensorflow
from keras_amid.validation.arguments import check_int

if TYPE_CHECKING:
    import tensorflow as tf


class EpochShuffle(keras.callbacks.Callback):
    """Shuffles a `tf.data.Dataset` by a full permutation drawn from (seed, epoch).

    Pass the same object to the pipeline and to `fit`:

        shuffle = EpochShuffle(seed=0)
        train = batches(folder, 16, {"video": RandomClip()}, shuffle=shuffle)
        model.fit(train, epochs=100, callbacks=[shuffle, ...])

    As a callback it tells the pipeline the number of the epoch before Keras makes the epoch's
    iterator. So a run that is killed and resumed at epoch k (`initial_epoch`, `BackupAndRestore`)
    sees the order that the uninterrupted run saw, whatever was read before (Keras reads a batch
    to build a model). Leave `steps_per_epoch` alone: with it Keras keeps one iterator over several
    epochs.

    Outside of such a `fit`, each pipeline counts its own iterations: 0, 1, 2, ...

    Args:
        seed: Integer. `keras.utils.set_random_seed` and TensorFlow's global seed play no part.
    """

    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = check_int("seed", seed)
        self._epoch = -1  # -1: no `fit` tells the epoch
        self._variable = None
        self._counters = []  # kept alive here: the pipelines refer to them

    @property
    def epoch(self) -> int | None:
        """The epoch that `fit` is in; None outside of one."""
        return None if self._epoch < 0 else self._epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Tells the pipelines the epoch whose iterator is made next."""
        self._tell(epoch)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Lets the pipelines count for themselves again."""
        self._tell(-1)

    def _tell(self, epoch):
        self._epoch = epoch
        if self._variable is not None:
            self._variable.assign(epoch)

    def apply(self, dataset: tf.data.Dataset, size: int, seeds: bool = False) -> tf.data.Dataset:
        """Returns `dataset` in the order of the epoch at each new iterator.

        Args:
            dataset: `tf.data.Dataset`.
            size: Number of its elements.
            seeds: Yield pairs (element, seed of the epoch), the seed int64 (): drawn from the seed
                of this object and the epoch. With a number of the element's own beside it, it
                seeds a stateless operation.
        """
        shuffled = self._epochs().flat_map(
            as_written(lambda epoch: _permuted(dataset, size, [self.seed, epoch], seeds))
        )
        return shuffled.apply(tensorflow().data.experimental.assert_cardinality(size))

    def part(self, number: int, count: int) -> Part:
        """The shuffle of one of several kinds of elements, `count` of which make an epoch.

        It permutes all elements, then all anew, and so on without end; an epoch begins where the
        last one ended. So each is drawn without replacement, whatever `count` is.

        Args:
            number: Of the kind: each has orders of its own.
            count: Elements an epoch.
        """
        return Part(self, number, count)

    def _epochs(self):
        """The dataset of one element, the number of the epoch, anew at each iterator."""
        tf = tensorflow()
        with tf.device("CPU:0"):
            if self._variable is None:
                self._variable = tf.Variable(self._epoch, dtype=tf.int64, trainable=False)
            told = self._variable
            counter = tf.Variable(-1, dtype=tf.int64, trainable=False)
        self._counters.append(counter)
        return tf.data.Dataset.from_tensors(0).map(
            as_written(lambda _: tf.cond(told >= 0, told.read_value, lambda: counter.assign_add(1)))
        )


class Part:
    """See `EpochShuffle.part`."""

    def __init__(self, shuffle, number, count):
        self._shuffle, self._number, self._count = shuffle, number, count

    def apply(self, dataset: tf.data.Dataset, size: int, seeds: bool = False) -> tf.data.Dataset:
        """As `EpochShuffle.apply`, but `count` elements an epoch."""
        tf, count = tensorflow(), self._count
        salt = [self._shuffle.seed, self._number]

        @as_written
        def permuted(number):
            seed = tf.random.experimental.stateless_fold_in(salt, number)
            return _permuted(dataset, size, seed, seeds)

        @as_written
        def drawn(epoch):
            begin = epoch * count
            passes = tf.data.Dataset.range(begin // size, (begin + count - 1) // size + 1)
            return passes.flat_map(permuted).skip(begin % size).take(count)

        shuffled = self._shuffle._epochs().flat_map(drawn)
        return shuffled.apply(tf.data.experimental.assert_cardinality(count))


def _permuted(dataset, size, seed, seeds):
    """A dataset in an order that is a function of a seed, integers (2,)."""
    tf = tensorflow()
    seed = tf.random.stateless_uniform((), seed, minval=None, maxval=None, dtype=tf.int64)
    # `shuffle` mixes in the graph-level seed: fix that of this function's own graph (not at 0,
    # which `shuffle` would compare with the tensor `seed`).
    tf.compat.v1.set_random_seed(1)
    # One place more than elements: the first fill reads to the end, completing a cache.
    order = dataset.shuffle(size + 1, seed=seed, reshuffle_each_iteration=False)
    if not seeds:
        return order
    return tf.data.Dataset.zip(order, tf.data.Dataset.from_tensors(seed).repeat())
