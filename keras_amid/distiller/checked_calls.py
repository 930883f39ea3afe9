"""The calls that take data: what comes in is checked before Keras's own trainer gets it."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_amid.distiller import devices, step
from keras_amid.validation import feeding, finite
from keras_amid.validation.rules import Expected

_WHERE = {
    "fit": "training data",
    "evaluate": "evaluation data",
    "predict": "data to predict",
    "represent": "data to represent",
}


class CheckedCalls:
    """`fit`, `evaluate`, `predict` and the like of a `Distiller`, before those of `keras.Model`."""

    # What a `Distiller` has.
    target_extractors: dict
    training_inputs: list
    modalities: list
    num_classes: int
    input_dtypes: dict
    train_labels: Any
    semi_supervised: bool
    student: Any

    def expected_data(self, call: str) -> Expected:
        """What the data of a call must be.

        Args:
            call: `"fit"`, `"evaluate"`, `"predict"` or `"represent"`.
        """
        training = call == "fit"
        return Expected(
            where=_WHERE[call],
            needed=self.training_inputs if training else list(self.target_extractors),
            known=self.modalities,
            target=list(self.target_extractors),
            num_classes=self.num_classes,
            dtypes=dict(self.input_dtypes),  # without what Keras tracks, to be sent to processes
            labels_by_index=self.train_labels if training else None,
            with_labels=call in ("fit", "evaluate"),
            needed_only=call == "predict",
            unlabelled=self.semi_supervised,
            mask_dtype=devices.mask_dtype(self),
        )

    def fit(self, *args, **kwargs):
        """`keras.Model.fit`, with the data checked first.

        Args: as of `keras.Model.fit`; x is a dict, modality -> array, and y integer labels
            `(batch,)`, or x a stream of such pairs. x may also hold "index", integers `(batch,)`:
            each sample's number in the training set, which CRD and CRCD need, and "present", dict,
            auxiliary modality -> bool `(batch,)`: whether a sample has it. One that lacks any
            trains the student's cross-entropy only; what stands in its place may be anything of
            the right shape and dtype, NaN too. `validation_data` may hold the target modalities
            only: then the student alone is evaluated.

        Raises:
            ValueError: for a missing or unknown modality, labels that are not integers of shape
                (batch,) in 0..num_classes-1, an index that is not integers of that shape (or, for
                a method with `train_labels`, not in their range or with another label), a "present"
                that is not as above or False for a target modality, values that are not finite or
                that the extractor's dtype cannot hold, negative weights. Arrays are checked before
                the first step, streams batch by batch before each is used. Likewise
                (`keras_amid.validation.finite.NotFiniteError`) after a step whose loss is not
                finite, naming the component, or an epoch that left weights so; callbacks that save
                are not called then.
        """
        step.refuse_compiled_loss(self, self.get_compile_config())
        self._build_optimizer()
        devices.prepare(self)
        return feeding.run(self, "fit", super().fit, args, kwargs)

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate`; the target modalities suffice. Data are checked as in `fit`."""
        step.refuse_compiled_loss(self, self.get_compile_config())
        return feeding.run(self, "evaluate", super().evaluate, args, kwargs)

    def train_on_batch(self, *args, **kwargs):
        """`keras.Model.train_on_batch`; the arrays, and the loss, are checked as in `fit`."""
        step.refuse_compiled_loss(self, self.get_compile_config())
        self._build_optimizer()
        devices.prepare(self)
        returned = feeding.run(self, "fit", super().train_on_batch, args, kwargs)
        finite.check_logs(self, self.get_metrics_result())  # type: ignore[attr-defined]
        return returned

    def test_on_batch(self, *args, **kwargs):
        """`keras.Model.test_on_batch`; the arrays are checked as in `evaluate`."""
        step.refuse_compiled_loss(self, self.get_compile_config())
        return feeding.run(self, "evaluate", super().test_on_batch, args, kwargs)

    def predict_on_batch(self, x: dict) -> Any:
        """`keras.Model.predict_on_batch`, what `call` gives; the arrays are checked as in
        `represent`."""
        predict = super().predict_on_batch  # type: ignore[misc]  # of keras.Model
        return feeding.run(self, "represent", predict, (x,), {})

    def predict(self, *args, **kwargs):
        """The student's class probabilities; the target modalities suffice.

        Args: as of `keras.Model.predict`; x is a dict, modality -> array, or a stream of such
            dicts, or of `(x, y)`.

        Returns:
            float32 array, shape `(samples, num_classes)`.

        Raises:
            ValueError: as `fit`, for what x holds of the target modalities; labels do not matter.
        """
        self._require_built("predict")
        outputs = feeding.run(self, "predict", self.student.predict, args, kwargs)
        return outputs["probabilities"]

    def represent(self, x: Any, batch_size: int | None = None, verbose: int = 0) -> dict:
        """The representations, in inference mode.

        Args:
            x: dict, modality -> array, or a stream of such dicts or of `(x, y)`.
            batch_size, verbose: as of `keras.Model.predict`.

        Returns:
            dict of `student` and, where x has the auxiliary modalities, `teacher` and
            `auxiliary` (unless the teacher is a fixed one): arrays of shape
            `(samples, representation_dim)`. The last two are NaN for a sample that lacks what they
            are made of (`x["present"]`).

        Raises:
            ValueError: as `fit`, for what x holds; labels do not matter.
        """
        self._require_built("represent")
        predict = super().predict  # type: ignore[misc]  # of keras.Model, the next class in line
        outputs = feeding.run(self, "represent", predict, (x, batch_size, verbose), {})
        complete = outputs.pop("complete", None)
        outputs.pop("modalities", None)
        for name in ("teacher", "auxiliary"):
            if complete is not None and name in outputs:
                outputs[name][~complete] = np.nan
        return {name: v for name, v in outputs.items() if not name.endswith("_logits")}

    def _build_optimizer(self):
        """Where the variables are known: TensorFlow traces a step that makes some twice."""
        strategy = getattr(self, "distribute_strategy", None)  # TensorFlow's trainer has one
        if strategy is None or self.student is None or self.optimizer is None:
            return
        if not self.optimizer.built:  # a LossScaleOptimizer would begin anew
            with strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _require_built(self, call):
        if self.student is None:
            raise ValueError(
                f"{type(self).__name__} is not built, for not all its extractors are: call `fit` "
                f"or `build` (dict, modality -> shape) before `{call}`."
            )
