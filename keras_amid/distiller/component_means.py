"""The logs of a step: many means in one metric."""

from __future__ import annotations

import keras
from keras import ops

_MOST = 64


@keras.saving.register_keras_serializable(package="keras_amid")
class ComponentMeans(keras.metrics.Metric):
    """Weighted means of many scalars in one variable: one update a step, however many they are.

    The names need not be declared: each has the next free place of the variable from the moment
    that a step with it is traced.

    Args:
        name: name of the metric; the logs show the scalars' names.

    Attributes:
        updated: names that the last `update_state` had, set where it was traced: Keras does not
            tell `compute_metrics` whether it is training or evaluating.
    """

    def __init__(self, name: str = "components"):
        super().__init__(name=name)
        self._places: dict = {}
        self.updated = ()
        self.totals = self.add_weight(shape=(2, _MOST), initializer="zeros", name="totals")

    @property
    def names(self) -> tuple:
        """All names so far."""
        return tuple(self._places)

    def update_state(self, logged: dict):
        """Adds a batch.

        Args:
            logged: dict, name -> `(value, weight)`, scalars; a name left out counts with weight 0.

        Raises:
            ValueError: for more than 64 names altogether.
        """
        for name in logged:
            self._places.setdefault(name, len(self._places))
        if len(self._places) > _MOST:
            raise ValueError(
                f"`logged` must have at most {_MOST} names; received {sorted(self._places)}."
            )
        self.updated = tuple(logged)
        pairs = [logged.get(name, (0.0, 0.0)) for name in self._places]
        values = ops.stack([ops.cast(value, "float32") for value, _ in pairs])
        weights = ops.stack([ops.cast(weight, "float32") for _, weight in pairs])
        # A value without weight (no pair in the batch, say) may be anything: it adds nothing.
        sums = ops.stack([ops.where(weights > 0, values * weights, 0.0), weights])
        self.totals.assign_add(ops.pad(sums, [[0, 0], [0, _MOST - len(pairs)]]))

    def result(self):
        """Returns: dict, name -> mean, a float32 scalar (0 where nothing was added)."""
        totals, weights = self.totals[0], self.totals[1]
        means = ops.where(weights > 0, totals / ops.maximum(weights, 1e-30), 0.0)
        return {name: means[place] for name, place in self._places.items()}

    def get_config(self):
        """The constructor's arguments."""
        return {"name": self.name}
