"""The networks of a `Distiller`: one graph of them all, and the student as a part of it."""

from __future__ import annotations

import keras

from keras_amid.distiller import graph
from keras_amid.validation.leaves import leaves


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
    model.auxiliary_projection = _projection(model, "auxiliary", auxiliary)
    model.add_teacher(features)

    def represent_auxiliary(inner):
        return graph.represent([inner[m] for m in auxiliary], model.auxiliary_projection)

    teacher = model.teacher_representation
    return graph.head(features, s, represent_auxiliary, teacher, model.classifier)


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
