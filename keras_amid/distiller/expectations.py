"""What a `Distiller` expects of its data."""

from __future__ import annotations

from keras_amid.validation.checks import Expected

_WHERE = {
    "fit": "training data",
    "evaluate": "evaluation data",
    "predict": "data to predict",
    "represent": "data to represent",
}


def expected_data(model, call: str) -> Expected:
    """What the data of a call must be.

    Args:
        model: a `Distiller`.
        call: `"fit"`, `"evaluate"`, `"predict"` or `"represent"`.
    """
    training = call == "fit"
    return Expected(
        where=_WHERE[call],
        needed=model.training_inputs if training else list(model.target_extractors),
        known=model.modalities,
        num_classes=model.num_classes,
        dtypes=model.input_dtypes,
        labels_by_index=model.train_labels if training else None,
        with_labels=call in ("fit", "evaluate"),
        needed_only=call == "predict",
        unlabelled=model.semi_supervised,
    )
