"""A served model asked by TensorFlow Serving's REST interface."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import numpy as np
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from keras_amid.serving.server import ServerError

_BUSY = (429, 502, 503, 504)
_CONNECTING = 10.0  # seconds, at most


class RestServer:
    """See `Server`.

    Args:
        address: http(s)://HOST:PORT.
        model, version, timeout, retries: as of `connect`; each attempt has the timeout.
    """

    def __init__(self, address: str, model: str, version: int | None, timeout: float, retries: int):
        self.address, self._model = address, model
        which = "" if version is None else f"/versions/{version}"
        self._url = f"{address}/v1/models/{quote(model, safe='')}{which}:predict"
        self._timeout = (min(timeout, _CONNECTING), timeout)
        again = Retry(
            total=retries, backoff_factor=0.3, status_forcelist=_BUSY, allowed_methods=None,
            raise_on_status=False,
        )  # fmt: skip
        self._session = requests.Session()
        # A proxy of the environment is not asked: a server is usually near.
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def predict(self, signature: str, values: Mapping[str, np.ndarray], output: str) -> np.ndarray:
        """See `Server.predict`."""
        body = {
            "signature_name": signature,
            "inputs": {name: value.tolist() for name, value in values.items()},
        }
        try:
            answer = self._session.post(self._url, json=body, timeout=self._timeout)
        except requests.RequestException as error:
            raise ServerError(f"no answer from {self.address}: {_reason(error)}.") from error
        found = self._json(answer)
        if answer.status_code >= 500 or answer.status_code in _BUSY:
            raise ServerError(f"{self.address} failed ({answer.status_code}): {_said(found)}.")
        if not answer.ok:
            raise ValueError(
                f"`model` {self._model!r} of {self.address} cannot be asked so: {_said(found)}."
            )
        outputs = found["outputs"]  # without its name where it is the only one
        return np.asarray(outputs[output] if isinstance(outputs, dict) else outputs)

    def _json(self, answer):
        try:
            return answer.json()
        except requests.JSONDecodeError as error:
            if not answer.ok:
                return {}
            raise ServerError(f"{self.address} answers, but not in JSON.") from error


def _reason(error):
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)  # of the last attempt
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return "too slow for --timeout"
    return str(cause).rstrip(".")


def _said(found):
    return str(found.get("error", "without a word")).rstrip(".")
