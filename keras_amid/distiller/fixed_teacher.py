"""The teacher of Table 5's ablation: trained before, frozen, with extractors of its own."""

from __future__ import annotations

import keras


def check_fixed_teacher(teacher, target, auxiliary, dim: int, num_classes: int) -> keras.Model:
    """Returns the functional model of a fixed teacher, frozen.

    Args:
        teacher: a built model of this package, or its `teacher`.
        target, auxiliary: dicts, modality -> extractor, of the model that it is to teach.
        dim: D.
        num_classes: number of classes.

    Raises:
        ValueError: if it is no such model, or does not fit.
    """
    model = getattr(teacher, "teacher", teacher)
    inputs, outputs = (getattr(model, side, None) for side in ("input", "output"))
    if not (isinstance(inputs, dict) and isinstance(outputs, dict) and "logits" in outputs):
        raise ValueError(
            "`fixed_teacher` must be a built model of keras_amid with a teacher, or such a model's "
            f"`teacher`; received {teacher!r}."
        )
    sizes = (outputs["representation"].shape[1], outputs["logits"].shape[1])
    if sizes != (dim, num_classes):
        raise ValueError(
            f"`fixed_teacher` must have representation_dim={dim} and num_classes={num_classes}; "
            f"received one with {sizes[0]} and {sizes[1]}."
        )
    if set(inputs) <= set(target):
        raise ValueError(
            "`fixed_teacher` must take more modalities than the student's; received one that takes "
            f"{sorted(inputs)}."
        )
    known = {id(v) for v in model.variables}
    extractors = {**target, **auxiliary}.items()
    shared = sorted(m for m, e in extractors if any(id(v) in known for v in e.variables))
    if shared:
        raise ValueError(
            "`fixed_teacher` must have extractors of its own, for it is frozen and saved apart; it "
            f"shares those of {shared}."
        )
    model.trainable = False
    return model
