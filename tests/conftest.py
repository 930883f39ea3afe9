"""Set up every test alike: quiet, seeded, and with Keras's global dtype policy put back."""

import contextlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

# All are read when TensorFlow, Matplotlib and JAX are first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
# Test processes share the cores: with a thread for each core in every one, all wait for all.
for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")
if os.environ.get("KERAS_BACKEND") == "torch":
    # On some processors PyTorch 2.13's AVX2 convolutions write beyond their memory in training
    # ("double free or corruption"), whatever runs them.
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX")
# Compiling takes JAX far longer than running models as small as the tests'. XLA's new emitters of
# fused loops, and its splitting of a program over threads, take most of what is left.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if importlib.util.find_spec("jax"):  # TensorFlow's lowest version ends at flags it does not know
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    )
# Tests compile the same small programs again and again: one compilation serves this run's
# processes.
JAX_CACHE = None
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    JAX_CACHE = os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="jax-cache-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

# PyTorch's builds with CUDA bring Triton, and load it late. After TensorFlow (2.20 and newer) that
# ends in a segmentation fault: both hold an LLVM, and Triton gets TensorFlow's
# (https://github.com/tensorflow/tensorflow/issues/124205).
with contextlib.suppress(ImportError):
    import triton  # noqa: F401

import keras  # noqa: E402
import pytest  # noqa: E402


def pytest_unconfigure(config):
    """Remove the cache, in the process that made it."""
    if JAX_CACHE is not None:
        shutil.rmtree(JAX_CACHE, ignore_errors=True)


# Tests with a case that takes more than 0.7 seconds of a processor on TensorFlow, beside those that
# say so themselves: `make test-fast` leaves them out.
SLOW = set(Path(__file__).with_name("slow.txt").read_text().split())


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(config, items):
    """Leave tests that do not depend on the Keras backend to the run on TensorFlow."""
    for item in items:
        if item.nodeid.partition("[")[0] in SLOW:
            item.add_marker("slow")
    if keras.backend.backend() == "tensorflow":
        return
    left = [item for item in items if item.get_closest_marker("any_backend")]
    items[:] = [item for item in items if not item.get_closest_marker("any_backend")]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def seeded():
    """Seed Python, NumPy and the backend, so that a test gives the same result in any order."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def dtype_policy_restored():
    """Put the global dtype policy back after a test that changes it."""
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)
