"""Writes a student as a SavedModel: in this process, or from a child process with TensorFlow."""

import importlib
import json
import operator
import os
import subprocess
import sys

import keras

_CHILD = (
    "import sys; sys.path[:] = sys.argv.pop(1).split(chr(10)); "
    "from keras_amid.export.worker import main; main(sys.argv[1])"
)


def signature_inputs(student):
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


def write_saved_model(student, folder, work, assets=None):
    """Writes the SavedModel; needs the TensorFlow backend.

    Args:
        student: functional `keras.Model`, dict of inputs, dict of outputs `probabilities`,
            `logits`, `representation`.
        folder: str, folder to create.
        work: str, an existing folder for temporary files.
        assets: dict, name of a file in `assets/` -> its text; or None.
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
        return {
            name: tf.cast(outputs[name], tf.float32, name=name)
            for name in ("probabilities", "logits", "representation")
        }

    serving_default = serve.get_concrete_function(specs)
    module = tf.Module()
    # Only these are written. Tracking the student itself would add the states of its random
    # layers and, where it was compiled on its own, its optimizer and metrics.
    module.weights = _variables(student, serving_default.graph.variables)
    module.tables = [
        part
        for part in tf.train.TrackableView(student).descendants()
        if isinstance(part, tf.saved_model.experimental.TrackableResource)
    ]
    module.files = []
    for name, text in (assets or {}).items():
        file_name = os.path.join(work, name)
        with open(file_name, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        module.files.append(tf.saved_model.Asset(file_name))
    tf.saved_model.save(module, folder, signatures={"serving_default": serving_default})


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


def write_in_child(student, folder, work, assets=None):
    """`write_saved_model` in a child process with the TensorFlow backend, from any backend.

    Args: as of `write_saved_model`.

    Raises:
        ValueError: if the student has a layer or function that the child could not import.
        RuntimeError: if the child fails.
    """
    request = {
        "student": os.path.join(work, "student.keras"),
        "custom_objects": custom_objects(student),
        "folder": os.path.abspath(folder),
        "work": os.path.abspath(work),
        "assets": assets,
    }
    student.save(request["student"])
    request_file = os.path.join(work, "request.json")
    with open(request_file, "w", encoding="utf-8") as file:
        json.dump(request, file)
    command = [sys.executable, "-c", _CHILD, "\n".join(sys.path), request_file]
    child = subprocess.run(command, env=_child_environment(), capture_output=True)
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip()
        said = "\n".join(said.splitlines()[-20:])
        raise RuntimeError(
            "the student could not be exported by the child process with the TensorFlow backend "
            f"(exit status {child.returncode}), whose last words were:\n{said}"
        )


def _child_environment():
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    # This process may hold all memory of the device; and XLA flags of another version of XLA
    # would abort the child.
    environment.pop("XLA_FLAGS", None)
    return {**environment, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def custom_objects(student):
    """Where the classes and functions come from that another process must import.

    Args:
        student: functional `keras.Model`.

    Returns:
        list of `[name, module, qualified name]`, name being what the saved student calls it.

    Raises:
        ValueError: for one in `__main__` or inside a function.
    """
    used = {}
    for layer in _layers(student):
        used[keras.saving.get_registered_name(type(layer))] = type(layer)
    for name in _serialized_names(keras.saving.serialize_keras_object(student)):
        used.setdefault(name, keras.saving.get_registered_object(name))
    return [
        [name, custom.__module__, _importable_name(custom)]
        for name, custom in sorted(used.items())
        if custom is not None and custom.__module__.split(".")[0] not in ("keras", "keras_amid")
    ]


def _layers(model):
    for layer in model.layers:
        yield layer
        yield from _layers(layer) if isinstance(layer, keras.Model) else ()


def _serialized_names(config):
    if isinstance(config, dict):
        if isinstance(config.get("registered_name"), str):
            yield config["registered_name"]
            # A function is serialized as its registered name.
            if isinstance(config.get("config"), str):
                yield config["config"]
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _serialized_names(part)


def _importable_name(custom):
    if custom.__module__ == "__main__" or "<locals>" in custom.__qualname__:
        where = "`__main__` (the script or notebook that runs)"
        raise ValueError(
            f"{custom.__qualname__!r} is defined in "
            f"{where if custom.__module__ == '__main__' else 'a function'}, where the process that "
            "exports the student cannot import it. Move it to the top level of a module of its own "
            "and import it from there, or export under the TensorFlow backend "
            "(KERAS_BACKEND=tensorflow), which needs no other process."
        )
    return custom.__qualname__


def main(request_file):
    """The child process.

    Args:
        request_file: str, JSON file that `write_in_child` wrote.
    """
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    custom = {
        name: operator.attrgetter(qualified_name)(importlib.import_module(module))
        for name, module, qualified_name in request["custom_objects"]
    }
    # Not safe_mode: the parent process wrote the file just now, so Lambda layers are its own.
    student = keras.saving.load_model(
        request["student"], custom_objects=custom, compile=False, safe_mode=False
    )
    write_saved_model(student, request["folder"], request["work"], request["assets"])
