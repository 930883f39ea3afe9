"""The networks of section 3.1 of the paper as one graph: extractors -> representations -> logits.

target ---- extractors --+-- projection ------------------ S --+
                         |                                     +-- classifier
                         +-- teacher (2-layer MLP) ------- M --+
                         |
auxiliary - extractors --+-- projection ------------------ A
"""

from __future__ import annotations

import keras
from keras import layers, ops, tree

#: No modality can have this name: a modality's is an identifier.
HEAD = "representations-and-logits"


@keras.saving.register_keras_serializable(package="keras_amid")
class InferenceMode(layers.Layer):
    """A layer that runs in inference mode whatever is asked for: no dropout, no batch statistics.

    Args:
        layer: `keras.layers.Layer` with one argument.
    """

    def __init__(self, layer: layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def call(self, x):
        """What the layer makes of x in inference mode."""
        return self.layer(x, training=False)

    def compute_output_spec(self, x):
        """Shape and dtype of the layer's output, as the layer itself tells them.

        Without it Keras would trace `call`, and networks that compare a shape with a number (the
        position embeddings of a transformer) cannot be traced with an unknown length.
        """
        outputs = self.layer(x, training=False)
        return tree.map_structure(lambda t: keras.KerasTensor(t.shape, t.dtype), outputs)

    def get_config(self):
        """The constructor's arguments."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}

    @classmethod
    def from_config(cls, config):
        """The layer of a `get_config`."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})


def input_template(extractor, shape=None):
    """What an extractor takes: a `keras.KerasTensor` (or nest of them), or None if unknown.

    Args:
        extractor: `keras.layers.Layer`.
        shape: shape with the batch axis first, for an extractor that does not tell its own.
    """
    if getattr(extractor, "inputs", None):
        known = extractor.inputs[0] if len(extractor.inputs) == 1 else extractor.input
        return tree.map_structure(lambda t: keras.KerasTensor((None, *t.shape[1:]), t.dtype), known)
    if shape is None and extractor.built:
        shape = (extractor.get_build_config() or {}).get("input_shape")
    if shape is None:
        return None
    if isinstance(shape, dict):
        return {name: _unknown_dtype(part) for name, part in shape.items()}
    return _unknown_dtype(shape)


def _unknown_dtype(shape):
    return keras.KerasTensor((None, *shape[1:]), "float32")


def symbolic_features(extractors, templates, frozen=()):
    """Calls each extractor on a symbolic input of its own.

    Each runs inside a functional model named `<modality>_extractor`: the names of users'
    extractors need not be unique, nor differ from the modalities'.

    Args:
        extractors: dict, modality -> layer.
        templates: dict, modality -> `input_template` of it.
        frozen: modalities whose extractors run in inference mode always.

    Returns:
        Tuple of two dicts, modality -> symbolic input (or nest) and -> symbolic features.

    Raises:
        ValueError: if an extractor's output is not `(batch, features)`.
    """
    inputs, features = {}, {}
    for modality, extractor in extractors.items():
        template = templates[modality]
        inner = symbolic_inputs(f"{modality}_in", template)
        run = InferenceMode(extractor) if modality in frozen else extractor
        _check_features(modality, outputs := run(inner))
        wrapped = keras.Model(tree.flatten(inner), outputs, name=f"{modality}_extractor")
        inputs[modality] = symbolic_inputs(modality, template)
        features[modality] = wrapped(tree.flatten(inputs[modality]))
    return inputs, features


def _check_features(modality, outputs):
    shape = getattr(outputs, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] is None:
        received = "a nest of tensors" if shape is None else f"shape {tuple(shape)}"
        raise ValueError(
            f"the extractor of {modality!r} must put out one tensor of shape (batch, features) "
            f"with a known number of features; received {received}."
        )


def symbolic_inputs(name, template):
    """Symbolic inputs like the template, each leaf named by its path."""
    if isinstance(template, keras.KerasTensor):
        return keras.Input(template.shape[1:], dtype=template.dtype, name=name)
    if isinstance(template, dict):
        return {key: symbolic_inputs(f"{name}_{key}", part) for key, part in template.items()}
    parts = enumerate(template)
    return type(template)(symbolic_inputs(f"{name}_{i}", part) for i, part in parts)


def concatenate(features):
    """Features side by side, `(batch, sum of sizes)`."""
    features = list(features)
    return ops.concatenate(features, axis=-1) if len(features) > 1 else features[0]


def total_size(features):
    """Number of features of all modalities together.

    Args:
        features: dict, modality -> symbolic features.
    """
    return sum(tensor.shape[1] for tensor in features.values())


def projection_or_none(of, features, dim, projection):
    """The linear head that brings features to size D, built, or None where there is to be none.

    Args:
        of: `"student"` or `"auxiliary"`.
        features: dict, modality -> symbolic features, to be concatenated.
        dim: int, D.
        projection: `"auto"`, True or False.

    Raises:
        ValueError: if there is to be none and the size is not D.
    """
    size = total_size(features)
    if projection is True or (projection == "auto" and size != dim):
        layer = layers.Dense(dim, name=f"{of}_projection")
        layer.build((None, size))
        return layer
    if size != dim:
        raise ValueError(
            f"`projection=False` needs {of} features of size `representation_dim`={dim}; "
            f"received {size}."
        )
    return None


def represent(features, projection):
    """Features of one side's extractors -> its representation, `(batch, D)`.

    Args:
        features: tensors `(batch, size)`.
        projection: layer, or None where they have size D already.
    """
    features = concatenate(features)
    return features if projection is None else projection(features)


def build_teacher_mlp(features, dim, negative_slope):
    """The teacher's 2-layer MLP, `(batch, all features)` -> M `(batch, dim)`, built.

    The hidden layer has size D too (the paper gives none).
    """
    return keras.Sequential(
        [
            keras.Input((total_size(features),)),
            layers.Dense(dim, name="dense_1"),
            layers.LeakyReLU(negative_slope, name="leaky_relu_1"),
            layers.Dense(dim, name="dense_2"),
        ],
        name="teacher_mlp",
    )


def classifying_model(name, inputs, representation, logits):
    """Student or teacher as a plain functional `keras.Model` over the shared layers.

    Args:
        name: str.
        inputs: dict, modality -> symbolic input.
        representation: symbolic representation.
        logits: the classifier's symbolic output for it.

    Returns:
        `keras.Model`, inputs as they are given -> dict of `probabilities`, `logits`
        `(batch, num_classes)` and `representation` `(batch, D)`, all float32.
    """
    outputs = {
        "probabilities": layers.Softmax(dtype="float32", name="probabilities")(logits),
        "logits": logits,
        "representation": layers.Identity(dtype="float32", name="representation")(representation),
    }
    return keras.Model(inputs, outputs, name=name)


def head(features, student, represent_auxiliary, represent_teacher, classifier):
    """Features of all modalities and S -> the representations and the logits of S and M.

    A model of its own, whose layers may then be named like modalities.

    Args:
        features: dict, modality -> symbolic features, the target ones first.
        student: symbolic S.
        represent_auxiliary: function of the features, a dict, that returns A.
        represent_teacher: function of the list of features, S and A that returns M.
        classifier: layer.

    Returns:
        dict of symbolic `student`, `student_logits`, `teacher`, `teacher_logits`, `auxiliary`.
    """
    inner = {
        modality: keras.Input(f.shape[1:], dtype=f.dtype, name=f"features_{i}")
        for i, (modality, f) in enumerate(features.items())
    }
    s = keras.Input(student.shape[1:], dtype=student.dtype, name="student")
    a = represent_auxiliary(inner)
    m = represent_teacher(list(inner.values()), s, a)
    # One matrix product for both: student and teacher share the classifier.
    logits = classifier(ops.concatenate([s, m], axis=0))
    student_logits, teacher_logits = ops.split(logits, 2, axis=0)
    outputs = {
        "student_logits": student_logits,
        "teacher": m,
        "teacher_logits": teacher_logits,
        "auxiliary": a,
    }
    model = keras.Model([*inner.values(), s], outputs, name=HEAD)
    return {"student": student, **model([*features.values(), student])}
