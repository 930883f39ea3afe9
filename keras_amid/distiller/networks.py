"""The networks of METHOD section 1 of the paper around the extractors: student and teacher."""

import keras
from keras import layers, tree

#: No modality can have this name: a modality's is an identifier.
TEACHER_HEAD = "teacher-head"


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


def inputs_like(features):
    """List of symbolic inputs, each like the features of one modality.

    Args:
        features: dict, modality -> symbolic features.
    """
    return [
        keras.Input(f.shape[1:], dtype=f.dtype, name=f"features_{i}")
        for i, f in enumerate(features.values())
    ]


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
        features: list of tensors `(batch, size)`.
        projection: layer, or None where they have size D already.
    """
    features = concatenate(features)
    return features if projection is None else projection(features)


def classifying_model(name, inputs, representation, classifier):
    """Student or teacher as a plain functional `keras.Model` over the shared layers.

    Args:
        name: str.
        inputs: dict, modality -> symbolic input, or a list of symbolic inputs.
        representation: symbolic representation.
        classifier: layer.

    Returns:
        `keras.Model`, inputs as they are given -> dict of `probabilities`, `logits`
        `(batch, num_classes)` and `representation` `(batch, D)`, all float32.
    """
    logits = classifier(representation)
    outputs = {
        "probabilities": layers.Softmax(dtype="float32", name="probabilities")(logits),
        "logits": logits,
        "representation": layers.Identity(dtype="float32", name="representation")(representation),
    }
    return keras.Model(inputs, outputs, name=name)


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


def build_composition(dim):
    """CCL's composition: [a, v] -> a + Linear([a / |a|; v / |v|]), built.

    Args:
        dim: int, D, the size of a, v and the result.
    """
    a, v = keras.Input((dim,), name="a"), keras.Input((dim,), name="v")
    # Each its own layer: float32, for half precision has no squares of large numbers.
    norms = [layers.UnitNormalization(dtype="float32", name=f"norm_{t.name}")(t) for t in (a, v)]
    residual = layers.Dense(dim, name="composition_dense")(layers.Concatenate(name="both")(norms))
    return keras.Model([a, v], layers.Add(name="sum")([a, residual]), name="composition")


def check_fixed_teacher(teacher, target, auxiliary, dim, num_classes):
    """Returns the functional model of a fixed teacher, frozen; raises ValueError where it is none.

    Args:
        teacher: a built model of this package, or its `teacher`.
        target, auxiliary: dicts, modality -> extractor, of the model that it is to teach.
        dim: int, D.
        num_classes: int.
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
