"""The networks of a `Distiller`: one graph of them all, and the student as a part of it."""

from __future__ import annotations

import keras

from keras_amid.distiller import devices, graph
from keras_amid.validation.leaves import leaves


@devices.named_layout()
def assemble(model, templates):
    """Makes the networks of a `Distiller`; the order is that in which they are saved.

    Args:
        model: a `Distiller` without networks yet.
        templates: dict, modality -> `graph.input_template` of its extractor.
    """
    model.add_networks()
    frozen = () if model.train_auxiliary else model.auxiliary_extractors
    inputs, features = graph.symbolic_features(model.used_extractors, templates, frozen)
    target = {m: features[m] for m in model.target_extractors}
    model.student_projection = _projection(model, "student", target)
    model.classifier = keras.layers.Dense(model.num_classes, dtype="float32", name="classifier")
    s = graph.represent(target.values(), model.student_projection)
    outputs = {"student": s, "student_logits": model.classifier(s)}
    student_inputs = {m: inputs[m] for m in target}
    model.student = graph.classifying_model("student", student_inputs, *outputs.values())
    model.student_networks = keras.Model(student_inputs, outputs, name="student_networks")
    if model.fixed_teacher is not None:
        templates = {**graph.input_template(model.fixed_teacher), **templates}
        inputs, outputs = _with_fixed_teacher(model, inputs, templates, outputs)
    elif model.uses_teacher:
        outputs = _with_teacher(model, features, s)
        m, logits = outputs["teacher"], outputs["teacher_logits"]
        model.teacher = graph.classifying_model("teacher", inputs, m, logits)
    if model.uses_teacher:
        model.networks = keras.Model(inputs, outputs, name="networks")
    model.input_dtypes = {name: template.dtype for name, template in leaves(templates)}
    model.built = True


def _projection(model, of, features):
    return graph.projection_or_none(of, features, model.representation_dim, model.projection)


def _with_teacher(model, features, s):
    auxiliary = {m: features[m] for m in model.auxiliary_extractors}
    if model.separate_modalities:
        return _with_modalities(model, features, auxiliary, s)
    model.auxiliary_projection = _projection(model, "auxiliary", auxiliary)
    model.add_teacher(features)

    def represent_auxiliary(inner):
        return graph.represent([inner[m] for m in auxiliary], model.auxiliary_projection)

    teacher = model.teacher_representation
    return graph.head(features, s, represent_auxiliary, teacher, model.classifier)


def _with_modalities(model, features, auxiliary, s):
    """The same with a representation of each modality; A is the mean of the auxiliary ones."""
    own = [m for m in features if m in model.separate_modalities or m in auxiliary]
    projections = {m: _projection(model, f"own_{m}", {m: features[m]}) for m in own}
    model.modality_projections = {m: p for m, p in projections.items() if p is not None}
    model.add_teacher(features)

    def represent(inner):
        made = {m: graph.represent([inner[m]], projections[m]) for m in own}
        return {**made, "mean of auxiliary": sum(made[m] for m in auxiliary) / len(auxiliary)}

    def teacher(inner, student, made):
        return model.teacher_representation(inner, student, {m: made[m] for m in auxiliary})

    outputs = graph.head(features, s, represent, teacher, model.classifier)
    made = outputs["auxiliary"]
    modalities = {m: made.get(m, s) for m in features}
    return {**outputs, "auxiliary": made["mean of auxiliary"], "modalities": modalities}


def _with_fixed_teacher(model, inputs, templates, outputs):
    teacher = model.teacher = model.fixed_teacher
    own = {m: graph.symbolic_inputs(m, templates[m]) for m in teacher.input if m not in inputs}
    inputs = {**inputs, **own}
    fixed = graph.InferenceMode(teacher)({m: inputs[m] for m in teacher.input})
    return inputs, {
        **outputs,
        "teacher": fixed["representation"],
        "teacher_logits": fixed["logits"],
    }
