"""What CRD and CRCD remember: embeddings of every training sample, and the constants Z."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_amid import losses
from keras_amid.baselines.candidates import Candidates
from keras_amid.distiller.batch import Batch
from keras_amid.losses.same_class import takes_part
from keras_amid.losses.similarity import l2_normalize
from keras_amid.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_amid")
class ContrastiveMemory(keras.layers.Layer):
    """Two embeddings, two memory banks, the constants Z, and the draw of negatives.

    All is in variables that are saved with the model, the state of the draw too. For n samples the
    banks and labels hold `n * (8 * embedding_dim + 4)` bytes (`memory_bytes`); a step takes about
    `16 * batch * n` bytes beside them.

    A sample that lacks a modality (`Batch.complete`) neither changes its row nor is drawn, from the
    first batch that has it until one in which it is complete.

    Args:
        representation_dim: int, D.
        embedding_dim: int, size of the embeddings z.
        train_labels: integers, shape `(n,)`: the label of each training sample by its index. None:
            no banks; the candidates are the batch itself.
        num_negatives: int, K, capped by the data: at most as many as there are samples outside
            the largest class, so that they can be drawn without replacement for every class.
        momentum: float in [0, 1], how much of its old row a sample keeps.
        normalize: bool, start with rows of unit length (CRCD) or as they are drawn (CRD).
    """

    def __init__(
        self,
        representation_dim: Any,
        embedding_dim: int = 128,
        train_labels: Any = None,
        num_negatives: int = 16384,
        momentum: float = 0.5,
        normalize: bool = False,
        name: str = "memory",
        **kwargs,
    ):
        super().__init__(name=name, **{"dtype": "float32", **kwargs})
        self.representation_dim, self.embedding_dim = representation_dim, embedding_dim
        labels = None if train_labels is None else np.asarray(train_labels, "int32")
        self.train_labels: Any = labels
        self.num_negatives, self.momentum, self.normalize = num_negatives, momentum, normalize
        self.student_embedding = self._embedding("student_embedding")
        self.teacher_embedding = self._embedding("teacher_embedding")
        self.log_z = self._variable("log_z", (2,), "zeros")
        self.log_z_is_set = self._variable("log_z_is_set", (), "zeros")
        if self.has_banks:
            shape = (np.size(labels), embedding_dim)
            self.student_bank = self._variable("student_bank", shape, self._first_rows)
            self.teacher_bank = self._variable("teacher_bank", shape, self._first_rows)
            self.labels = self._variable("labels", shape[:1], self._labels, "int32")
            self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def _embedding(self, name):
        layer = keras.layers.Dense(self.embedding_dim, dtype="float32", name=name)
        layer.build((None, self.representation_dim))
        return layer

    def _variable(self, name, shape, initializer, dtype="float32"):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=False,
            autocast=False,
        )

    def _first_rows(self, shape, dtype):
        limit = (self.embedding_dim / 3) ** -0.5
        rows = keras.initializers.RandomUniform(-limit, limit)(shape, dtype)
        return l2_normalize(rows) if self.normalize else rows

    def _labels(self, shape, dtype):
        return ops.reshape(ops.cast(self.classes, dtype), shape)

    @property
    def classes(self):
        """int32 array, shape `(n,)`: the labels; an unlabelled sample has a class of its own."""
        labels = self.train_labels
        own = labels.max() + 1 + np.arange(len(labels), dtype="int32")
        return np.where(labels < 0, own, labels)

    @property
    def has_banks(self):
        """Whether there are memory banks, or the batch itself is contrasted."""
        return self.train_labels is not None

    @property
    def drawn_negatives(self):
        """K after the cap by the data, an int; None without banks."""
        if not self.has_banks:
            return None
        largest = int(np.bincount(self.classes).max())
        return min(self.num_negatives, len(self.train_labels) - largest)

    @property
    def memory_bytes(self):
        """Bytes of the banks and their labels, an int."""
        if not self.has_banks:
            return 0
        return len(self.train_labels) * (2 * 4 * self.embedding_dim + 4)

    def embed(self, student: Tensor, teacher: Tensor):
        """z of both sides: a linear layer each, scaled to unit length.

        Args:
            student, teacher: representations S and M, shape `(batch, D)`.

        Returns:
            Tuple of two float32 tensors, shape `(batch, embedding_dim)`.
        """
        z_s, z_t = self.student_embedding(student), self.teacher_embedding(teacher)
        return l2_normalize(z_s), l2_normalize(z_t)

    def candidates(self, batch: Batch, z_s: Any, z_t: Any, negatives: Tensor | None = None):
        """What this batch is contrasted with: rows of the banks, or the batch itself.

        Args:
            batch: `keras_amid.distiller.batch.Batch`; its index is needed for the banks.
            z_s, z_t: embeddings of the two sides, shape `(batch, embedding_dim)`.
            negatives: None, to draw them, or integers `(batch, K)`, rows of the candidates.

        Returns:
            `Candidates`.
        """
        if not self.has_banks:
            in_batch = Candidates.of_batch(batch, z_s, z_t)
            return in_batch if negatives is None else in_batch.with_negatives(negatives)
        complete = takes_part(batch.labels)
        self._mark(batch.index, complete)
        if negatives is None:
            picked, drawn = self._draw(batch.index)
        else:
            negatives = ops.cast(ops.convert_to_tensor(negatives), "int32")
            picked = ops.concatenate([ops.expand_dims(batch.index, 1), negatives], axis=1)
            drawn = ops.ones_like(negatives, dtype="bool")
        complete = ops.expand_dims(complete, 1)
        valid = ops.concatenate([complete, ops.logical_and(drawn, complete)], axis=1)
        # Copies: PyTorch's backward pass comes after `update` has overwritten the banks.
        return Candidates(
            student=ops.copy(self.student_bank.value),
            teacher=ops.copy(self.teacher_bank.value),
            own=batch.index,
            picked=picked,
            valid=valid,
            size=float(len(self.train_labels)),
        )

    def _mark(self, index, complete):
        """Makes the labels of incomplete samples negative, -1 - label, and those of others not."""
        label = ops.take(self.labels.value, index, axis=0)
        label = ops.where(ops.equal(label >= 0, complete), label, -1 - label)
        labels = ops.scatter_update(self.labels.value, ops.expand_dims(index, 1), label)
        self.labels.assign(labels)

    def _draw(self, index):
        """Each sample's own index, then K of other classes, uniform and without replacement.

        Beside them, which of the K are such: there may be fewer that are complete.
        """
        shape = (ops.shape(index)[0], len(self.train_labels))
        keys = keras.random.uniform(shape, seed=self.seed_generator)
        labels = self.labels.value
        own = ops.take(labels, index, axis=0)
        other = ops.not_equal(ops.expand_dims(own, 1), ops.expand_dims(labels, 0))
        other = ops.logical_and(other, ops.expand_dims(labels >= 0, 0))
        found, negatives = ops.top_k(ops.where(other, keys, -1.0), self.drawn_negatives)
        negatives = ops.cast(negatives, "int32")
        return ops.concatenate([ops.expand_dims(index, 1), negatives], axis=1), found >= 0

    def normalizing_constants(
        self, student_scores: Any, teacher_scores: Any, candidates: Candidates, training: bool
    ):
        """log Z of both sides: set by the first training batch with a complete sample, and kept.

        Args:
            student_scores, teacher_scores: float tensors, shape `(..., 1 + K)`.
            candidates: `Candidates` they belong to.
            training: bool.

        Returns:
            Tuple of two scalars.
        """
        size, valid = candidates.size, candidates.valid
        both = (student_scores, teacher_scores)
        first = ops.stack([losses.log_normalizing_constant(s, size, valid) for s in both])
        log_z = ops.where(self.log_z_is_set.value > 0.5, self.log_z.value, first)
        if training:
            known = ops.any(valid)
            self.log_z.assign(ops.where(known, log_z, self.log_z.value))
            self.log_z_is_set.assign(ops.where(known, 1.0, self.log_z_is_set.value))
        return ops.unstack(log_z, 2)

    def update(self, batch: Batch, z_s: Any, z_t: Any):
        """bank[index] <- l2norm(momentum bank[index] + (1 - momentum) z), where there are banks.

        A sample that is in the batch twice counts once, with the mean of its embeddings; one that
        is not complete not at all.

        Args:
            batch: `keras_amid.distiller.batch.Batch` with its index.
            z_s, z_t: embeddings of the two sides, shape `(batch, embedding_dim)`.
        """
        if not self.has_banks:
            return
        index, complete = batch.index, ops.expand_dims(takes_part(batch.labels), 0)
        same = ops.cast(ops.logical_and(losses.same_class(index), complete), "float32")
        times = ops.sum(same, axis=1, keepdims=True)
        same = same / ops.maximum(times, 1.0)
        for bank, z in ((self.student_bank, z_s), (self.teacher_bank, z_t)):
            old = ops.take(bank.value, index, axis=0)
            mean = ops.matmul(same, ops.stop_gradient(z))
            rows = l2_normalize(self.momentum * old + (1.0 - self.momentum) * mean)
            rows = ops.where(times > 0, rows, old)
            bank.assign(ops.scatter_update(bank.value, ops.expand_dims(index, 1), rows))

    def save_own_variables(self, store: Any):
        """Keras saves a layer's weights; the state of the draw goes with them."""
        super().save_own_variables(store)
        if self.has_banks:
            store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state.value)

    def load_own_variables(self, store: Any):
        """What `save_own_variables` saved."""
        weights = {key: store[key] for key in store.keys() if key != "seed_state"}
        super().load_own_variables(weights)
        if self.has_banks:
            self.seed_generator.state.assign(store["seed_state"])

    def get_config(self) -> dict:
        labels = self.train_labels
        return {
            **super().get_config(),
            "representation_dim": self.representation_dim,
            "embedding_dim": self.embedding_dim,
            "train_labels": None if labels is None else labels.tolist(),
            "num_negatives": self.num_negatives,
            "momentum": self.momentum,
            "normalize": self.normalize,
        }
