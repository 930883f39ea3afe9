"""Packaging of keras_amid: metadata and dependency ranges.

The versions that are tested together are pinned in requirements.txt.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

# `make test-lowest` installs the lower bounds and runs the quick tests on them (TensorFlow).
# What `import keras_amid`, training, the media pipelines and the export need.
INSTALL_REQUIRES = [
    "keras>=3.15,<4",  # MultiOptimizer is public from 3.15 on
    "tensorflow>=2.16.2,<3",  # tf.data and SavedModel, on every backend
    "numpy>=1.26,<3",
    "scikit-learn>=1.4",
    "av>=17.1",  # older ones crash in tests/data/media (17.0: segmentation fault)
    "h5py>=3.11",
    "cloudpickle>=3",
    "filelock>=3.13",
    "grpcio>=1.60",
    "matplotlib>=3.8",
    "pebble>=5.0.1",
    "requests>=2.31",
    "safetensors>=0.4.3",
    "scipy>=1.13",
    "tensorflow-serving-api>=2.16.1,<3",  # its messages alone: warm-up requests, the gRPC client
    "tqdm>=4.66",
]

# tensorflow-io (fades and masks of sound) is an extra because its native kernels load only on
# TensorFlow 2.16 (for which its last release was built), and it has wheels neither for
# Python 3.13 nor for Windows: as a core dependency it would make keras_amid uninstallable there.
# keras-hub (BERT, DenseNet) is one because it brings tensorflow-text, which needs TensorFlow 2.20
# or newer. PyTorch also reads PyTorch's own checkpoints, on every backend.
EXTRAS_REQUIRE = {
    "jax": ["jax>=0.7"],
    "torch": ["torch>=2.6"],
    "hub": ["keras-hub>=0.32"],
    "audio": ['tensorflow-io>=0.37.1; python_version < "3.13" and sys_platform != "win32"'],
    "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.17"],
    "litert": ["ai-edge-litert>=1.2"],  # to run it; TensorFlow writes it
    "parquet": ["pyarrow>=16"],
    "tensorboard": ["tensorboard>=2.16"],
    "watch": ["seglearn==1.2.5"],  # for the recordings that it carries; its code is not run
    "audit": ["pip-audit>=2.7"],
    "test": [
        "hypothesis>=6.100",
        "mypy>=1.15",
        "packaging",
        "pandas>=2.2",
        "pytest>=8",
        "pytest-xdist>=3.6.1",
        "ruff>=0.12",
        "transformers>=5",
    ],
}


def read_version() -> str:
    """Return `keras_amid.__version__` without importing the package (and so Keras)."""
    text = (ROOT / "keras_amid" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise RuntimeError('keras_amid/__init__.py must have a line `__version__ = "X.Y.Z"`.')
    return match.group(1)


setup(
    name="keras_amid",
    version=read_version(),
    description="AMID: multimodal training with cross-modal knowledge distillation, for Keras 3",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    packages=find_packages(include=["keras_amid", "keras_amid.*"]),
    package_data={"keras_amid": ["py.typed"]},
    entry_points={"console_scripts": ["keras-amid = keras_amid.command.main:run"]},
    python_requires=">=3.11",
    install_requires=INSTALL_REQUIRES,
    extras_require={
        **EXTRAS_REQUIRE,
        "all": sorted({name for names in EXTRAS_REQUIRE.values() for name in names}),
    },
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
