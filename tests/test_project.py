"""What must hold for the project as a whole: imports, docstrings, declared dependencies."""

import ast
import graphlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import keras_amid

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = [ROOT / "setup.py"] + [
    path for folder in ("keras_amid", "recipes", "tests") for path in (ROOT / folder).rglob("*.py")
]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_import_leaves_tensorflow_alone(backend, tmp_path):
    pytest.importorskip(backend)
    # Not from the root of the checkout, and with the very package that this process tests.
    package = str(Path(keras_amid.__file__).parents[1])
    program = "import sys, keras, keras_amid; print(keras.backend.backend(), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": package},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    running, *modules = done.stdout.split()
    assert running == backend
    assert "keras_amid" in modules
    assert [name for name in modules if name.split(".")[0].startswith("tensorflow")] == []


def test_only_public_keras_is_used():
    private = "keras." + "src"  # in two parts, so that this file does not match
    assert len(CODE) > 5
    assert [str(path) for path in CODE if private in path.read_text(encoding="utf-8")] == []


def rooms(of, files):
    """Room -> rooms that its modules import from; names that `of` itself hands on do not count."""
    arrows = {}
    for path in files:
        room, *inside = path.relative_to(ROOT / of).parts
        if not inside:
            continue
        found = arrows.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported(node):
                if name.startswith(of.replace("/", ".") + "."):
                    found.add(name.split(".")[len(of.split("/"))])
    return {room: found & set(arrows) - {room} for room, found in arrows.items()}


def imported(node):
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


@pytest.mark.parametrize("of", ["keras_amid", "keras_amid/data"])
def test_imports_of_rooms_go_one_way(of):
    """As CONTRIBUTING says: a circle among the rooms raises, and names its rooms."""
    arrows = rooms(of, sorted((ROOT / of).rglob("*.py")))
    assert len(arrows) > 4 and sum(map(len, arrows.values())) > len(arrows)
    list(graphlib.TopologicalSorter(arrows).static_order())


def test_public_names_have_docstrings():
    names = [name for name in keras_amid.__all__ if not name.startswith("__")]
    assert names
    bare = [name for name in names if not (getattr(keras_amid, name).__doc__ or "").strip()]
    assert bare == []


def declared_dependencies():
    """Return the requirements that setup.py's two literals hold, extras included."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and node.targets[0].id in ("INSTALL_REQUIRES", "EXTRAS_REQUIRE")
    }
    lines = values["INSTALL_REQUIRES"] + sum(values["EXTRAS_REQUIRE"].values(), [])
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def pinned_dependencies():
    """Return what requirements.txt holds."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in requirements}


def test_requirements_pin_what_setup_declares():
    declared, pinned = declared_dependencies(), pinned_dependencies()
    assert {"keras", "tensorflow", "jax", "torch", "pytest"} <= set(declared)
    assert set(pinned) == set(declared)
    for name, pin in pinned.items():
        (specifier,) = pin.specifier
        assert specifier.operator == "==", f"{pin} is not a pinned version"
        assert specifier.version in declared[name].specifier, f"{pin} is not in {declared[name]}"
        assert pin.marker == declared[name].marker, f"{pin} has another marker than setup.py's"


def test_tests_that_are_said_to_be_slow_are_there():
    for line in (ROOT / "tests" / "slow.txt").read_text().split():
        file, name = line.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(), line


def test_versions_and_dates_are_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, released = re.findall(r"^(?:version|date-released): (\S+)$", citation, re.MULTILINE)
    assert version == keras_amid.__version__
    assert f"\n## {version} - {released}\n" in changelog


def test_badges_are_true():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', setup)
    assert f'python_requires=">={versions[0]}"' in setup
    license_name = re.search(r'license="(.*?)"', setup)[1]
    images = ROOT / "docs" / "images"
    expected = {"python": " | ".join(versions), "license": license_name}
    expected["backends"] = "TensorFlow | JAX | PyTorch"
    assert {path.stem for path in images.glob("badge-*")} == {f"badge-{name}" for name in expected}
    for name, text in expected.items():
        badge = (images / f"badge-{name}.svg").read_text(encoding="utf-8")
        assert f">{text}</text>" in badge and f"docs/images/badge-{name}.svg" in README
