"""Running the scripts of tests/support/scripts/ in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import keras_amid

SCRIPTS = Path(__file__).parent / "scripts"
# The very package that this process tests, and the helpers beside this file.
PYTHONPATH = os.pathsep.join(
    [str(Path(keras_amid.__file__).parents[1]), str(Path(__file__).parent)]
)


def run(script, *arguments, backend, **environment):
    """Runs `scripts/<script> out.npz <arguments>`; the first argument is the file to write.

    Returns:
        dict, the arrays that the script wrote.
    """
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "KERAS_BACKEND": backend, **environment},
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(arguments[0]) as arrays:
        return {name.replace("|", "/"): arrays[name] for name in arrays.files}
