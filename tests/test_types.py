"""The signatures of what is public say what they take and what they return."""

import inspect

import pytest

import keras_amid as ka

pytestmark = pytest.mark.any_backend

ROOMS = {
    "ka": (ka, ka.__all__),
    "ka.data": (ka.data, ka.data.__all__),
    "ka.extractors": (ka.extractors, ka.extractors.__all__),
    "ka.losses": (ka.losses, ka.losses.__all__),
}


def untyped(function):
    """The parts of a signature without a type; of a class, of its constructor's."""
    signature = inspect.signature(function)
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parts = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is inspect.Parameter.empty
        and parameter.kind not in variable
        and parameter.name not in ("self", "cls")
    ]
    if not inspect.isclass(function) and signature.return_annotation is inspect.Signature.empty:
        parts.append("return")
    return parts


def methods(of):
    for name, member in vars(of).items():
        member = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(member):
            yield name, member


@pytest.mark.parametrize("room", ROOMS)
def test_public_signatures_are_typed(room):
    module, names = ROOMS[room]
    found = {}
    for name in names:
        public = getattr(module, name)
        if not callable(public):
            continue
        found[name] = untyped(public)
        if inspect.isclass(public):
            found |= {f"{name}.{method}": untyped(f) for method, f in methods(public)}
    assert len(found) > 5
    assert {name: parts for name, parts in found.items() if parts} == {}
