"""The networks of METHOD section 1 of the paper around the extractors: student and teacher."""

import keras
from keras import layers, tree


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


def symbolic_features(extractors, templates):
    """Calls each extractor on a symbolic input of its own.

    Each runs inside a functional model named `<modality>_extractor`: the names of users'
    extractors need not be unique, nor differ from the modalities'.

    Args:
        extractors: dict, modality -> layer.
        templates: dict, modality -> `input_template` of it.

    Returns:
        Tuple of two dicts, modality -> symbolic input (or nest) and -> symbolic features.

    Raises:
        ValueError: if an extractor's output is not `(batch, features)`.
    """
    inputs, features = {}, {}
    for modality, extractor in extractors.items():
        template = templates[modality]
        inner = _inputs(f"{modality}_in", template)
        _check_features(modality, outputs := extractor(inner))
        wrapped = keras.Model(tree.flatten(inner), outputs, name=f"{modality}_extractor")
        inputs[modality] = _inputs(modality, template)
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


def _inputs(name, template):
    """Symbolic inputs like the template, each leaf named by its path."""
    if isinstance(template, keras.KerasTensor):
        return keras.Input(template.shape[1:], dtype=template.dtype, name=name)
    if isinstance(template, dict):
        return {key: _inputs(f"{name}_{key}", part) for key, part in template.items()}
    return type(template)(_inputs(f"{name}_{i}", part) for i, part in enumerate(template))


def concatenate(features):
    """Features side by side, `(batch, sum of sizes)`."""
    features = list(features)
    return keras.ops.concatenate(features, axis=-1) if len(features) > 1 else features[0]


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


def build_student(inputs, features, projection, classifier):
    """The deployable model, a plain functional `keras.Model` over the shared layers.

    Args:
        inputs: dict, target modality -> symbolic input.
        features: dict, target modality -> symbolic features.
        projection: layer or None.
        classifier: layer.

    Returns:
        `keras.Model`, dict of inputs by modality -> dict of `probabilities`, `logits`
        `(batch, num_classes)` and `representation` `(batch, D)`, all float32.
    """
    representation = concatenate(features.values())
    if projection is not None:
        representation = projection(representation)
    logits = classifier(representation)
    outputs = {
        "probabilities": layers.Softmax(dtype="float32", name="probabilities")(logits),
        "logits": logits,
        "representation": layers.Identity(dtype="float32", name="representation")(representation),
    }
    return keras.Model(inputs, outputs, name="student")


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
