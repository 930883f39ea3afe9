"""The student as a graph of TensorFlow, and the SavedModel of it. Writing needs that backend."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_amid.export.formats import Wanted

#: Of `serving_default`, in every format.
OUTPUTS = ("probabilities", "logits", "representation")


def signature_inputs(student: keras.Model) -> dict[str, keras.KerasTensor]:
    """The inputs of the serving signature.

    Args:
        student: functional `keras.Model` with a dict of inputs.

    Returns:
        dict, input name -> `keras.KerasTensor`: a modality by its name, a leaf of a nested one as
        `modality_leaf`.

    Raises:
        ValueError: if two leaves get the same name, or a name cannot be one of a signature.
    """
    inputs = {}
    for name_path, tensor in keras.tree.flatten_with_path(student.input):
        name = "_".join(map(str, name_path))
        if not name.isidentifier() or name == "self" or name in inputs:
            raise ValueError(
                f"the student's input {'/'.join(map(str, name_path))!r} cannot be named {name!r} "
                "in the serving signature: names must be unique and of letters, digits and "
                "underscores."
            )
        inputs[name] = tensor
    return inputs


def layers_of(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, of models within it, and of both directions of a recurrence."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        elif isinstance(layer, keras.layers.Bidirectional):
            yield from (layer.forward_layer, layer.backward_layer)
        else:
            yield layer


def serving_function(student: keras.Model) -> tuple[Any, dict[str, tf.TensorSpec]]:
    """What every format holds.

    Args:
        student: functional `keras.Model`, dict of inputs, dict of outputs `OUTPUTS`.

    Returns:
        `tf.function` of a dict, input name -> tensor, that gives a dict of float32 outputs; and
        the dict of the inputs' specifications.
    """
    import tensorflow as tf

    specs = {
        name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name)
        for name, tensor in signature_inputs(student).items()
    }

    @tf.function(autograph=False)
    def serve(inputs):
        leaves = [inputs[name] for name in specs]
        outputs = student(keras.tree.pack_sequence_as(student.input, leaves), training=False)
        return {name: tf.cast(outputs[name], tf.float32, name=name) for name in OUTPUTS}

    return serve, specs


def write(student: keras.Model, folder: str, work: str, wanted: Wanted) -> None:
    """Writes the SavedModel with all its signatures; see `formats.write`."""
    from keras_amid.export import signatures, warmup

    serve, specs = serving_function(student)
    main = serve.get_concrete_function(specs)
    further = signatures.further(serve, specs, wanted.assets)
    save(student, folder, {"serving_default": main, **further}, write_assets(work, wanted.assets))
    warmup.write(folder, {"serving_default": specs, **signatures.specifications(specs)})


def save(
    student: keras.Model, folder: str, functions: Mapping[str, Any], files: tuple[str, ...] = ()
) -> None:
    """Writes a SavedModel that holds the student's weights and nothing else.

    Args:
        student: whose graph the functions are.
        folder: to create.
        functions: signature -> concrete function, `serving_default` among them.
        files: for `assets/`.
    """
    import tensorflow as tf

    module = tf.Module()
    # Only these are written. Tracking the student itself would add the states of its random
    # layers and, where it was compiled on its own, its optimizer and metrics.
    module.weights = _variables(student, functions["serving_default"].graph.variables)
    module.tables = [
        part
        for part in tf.train.TrackableView(student).descendants()
        if isinstance(part, tf.saved_model.experimental.TrackableResource)
    ]
    module.files = [tf.saved_model.Asset(file) for file in files]
    tf.saved_model.save(module, folder, signatures=dict(functions))


def write_assets(folder: str, assets: Mapping[str, str]) -> tuple[str, ...]:
    """Writes texts into an existing folder; returns their paths."""
    paths = {os.path.join(folder, name): text for name, text in assets.items()}
    for path, text in paths.items():
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return tuple(paths)


def _variables(student, captured):
    """dict, name -> tf.Variable: the weights, and what else the traced function uses.

    (The latter is the state of a layer that is random in inference too.)
    """
    variables = [(weight.path, weight.value) for weight in student.weights]
    # A distribution strategy's variable has one component for each replica.
    known = {id(part) for _, v in variables for part in (v, *getattr(v, "values", ()))}
    variables += [(v.name, v) for v in captured if id(v) not in known]
    named = {}
    for index, (name, variable) in enumerate(variables):
        # Layers of nested models may share a path.
        named[f"{name}_{index}" if name in named else name] = variable
    return named
