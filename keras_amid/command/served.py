"""An exported student on a server, which says itself how its inputs are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_amid.own.inputs import FILE, Inputs
from keras_amid.serving import Server

if TYPE_CHECKING:
    import numpy as np


class ServedStudent:
    """An exported student on a server.

    Args:
        server: the model there.
        model: its name, for messages.

    Attributes:
        inputs: how they are made of files.
        class_names: list of str.

    Raises:
        ServerError: no answer.
        ValueError: there is no such model, or it was not exported by `keras-amid train` or
            `export` of a run.
    """

    def __init__(self, server: Server, model: str):
        import numpy as np

        self._server = server
        names = np.array([FILE, "class_names.txt"], object)
        described, listed = map(str, server.predict("assets", {"name": names}, "text"))
        try:
            self.inputs, self.class_names = Inputs(json.loads(described)), listed.splitlines()
            if not self.class_names:
                raise ValueError("no class names")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"`model` must be a version that `keras-amid train` or `export` wrote of a run; "
                f"received {model!r}, which {server.address} serves without a whole {FILE} and "
                "class names."
            ) from error

    def ask(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The probabilities of some windows, float array (windows, classes)."""
        return self._server.predict("serving_default", values, "probabilities")
