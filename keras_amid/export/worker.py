"""Writes a student in a child process with the TensorFlow backend, from any backend."""

import importlib
import json
import operator
import os
import subprocess
import sys

import keras
import numpy as np

from keras_amid.export import formats

_CHILD = (
    "import sys; sys.path[:] = sys.argv.pop(1).split(chr(10)); "
    "from keras_amid.export.worker import main; main(sys.argv[1])"
)


def write_in_child(student, folder, work, wanted):
    """`formats.write` in a child process with the TensorFlow backend, from any backend.

    Args: as of `formats.write`.

    Raises:
        ValueError: if the student has a layer or function that the child could not import.
        RuntimeError: if the child fails.
    """
    request = {
        "student": os.path.join(work, "student.keras"),
        "custom_objects": custom_objects(student),
        "folder": os.path.abspath(folder),
        "work": os.path.abspath(work),
        "format": wanted.format,
        "quantize": wanted.quantize,
        "assets": dict(wanted.assets),
        "representative": None,
    }
    student.save(request["student"])
    if wanted.representative is not None:
        request["representative"] = os.path.join(work, "representative.npz")
        np.savez(request["representative"], **wanted.representative)
    request_file = os.path.join(work, "request.json")
    with open(request_file, "w", encoding="utf-8") as file:
        json.dump(request, file)
    status, said = run_child(request_file)
    if status:
        said = "\n".join(said.strip().splitlines()[-20:])
        raise RuntimeError(
            "the student could not be exported by the child process with the TensorFlow backend "
            f"(exit status {status}), whose last words were:\n{said}"
        )


def run_child(request_file):
    """Runs `main` in a new process: its exit status, and what it said on the standard error."""
    command = [sys.executable, "-c", _CHILD, "\n".join(sys.path), request_file]
    child = subprocess.run(command, env=child_environment(), capture_output=True)
    return child.returncode, child.stderr.decode(errors="replace")


def child_environment():
    """The environment variables of the child."""
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
    samples = request["representative"]
    if samples is not None:
        with np.load(samples) as arrays:
            samples = dict(arrays)
    wanted = formats.Wanted(request["format"], request["quantize"], request["assets"], samples)
    formats.write(student, request["folder"], request["work"], wanted)
