"""One served model, whichever the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from keras_amid.validation.scalars import check_int, check_number

if TYPE_CHECKING:
    import numpy as np

_SCHEMES = ("http", "https", "grpc")
#: gRPC makes no more than five attempts.
MOST_RETRIES = 4


class ServerError(OSError):
    """The server cannot be reached, is too slow, or failed."""


class Server(Protocol):
    """A model on a server."""

    address: str

    def predict(self, signature: str, values: Mapping[str, np.ndarray], output: str) -> np.ndarray:
        """What the model answers.

        Args:
            signature: name.
            values: input name -> array (batch, ...).
            output: name of the output that is wanted.

        Raises:
            ServerError: no answer.
            ValueError: the server has no such model or signature, or the values do not fit it.
        """
        ...


def connect(
    address: str, model: str, version: int | None = None, timeout: float = 60.0, retries: int = 3
) -> Server:
    """A served model; nothing is sent before it is asked.

    Args:
        address: HOST:PORT or http(s)://HOST:PORT for REST, grpc://HOST:PORT for gRPC.
        model: name that it is served under.
        version: None: the server's choice, which is the highest.
        timeout: seconds to wait for an answer.
        retries: how often a request is repeated, after growing pauses, where the server cannot be
            reached or says that it is busy; 0 to 4.

    Raises:
        ValueError: an argument does not fit.
    """
    scheme, host = _parts(address)
    timeout = check_number("timeout", timeout, above=0)
    retries = check_int("retries", retries, 0, MOST_RETRIES)
    if version is not None:
        version = check_int("version", version, 1)
    if scheme == "grpc":
        from keras_amid.serving.grpc_server import GrpcServer

        return GrpcServer(host, model, version, timeout, retries)
    from keras_amid.serving.rest_server import RestServer

    return RestServer(f"{scheme}://{host}", model, version, timeout, retries)


def _parts(address):
    """Scheme and HOST:PORT."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        whole = parts.hostname and parts.port and not parts.path.strip("/")
    except ValueError:  # the port is no number
        whole = False
    if parts.scheme not in _SCHEMES or not whole or parts.query or parts.username:
        raise ValueError(
            "`server` must be HOST:PORT, http://HOST:PORT, https://HOST:PORT or grpc://HOST:PORT; "
            f"received {address!r}."
        )
    return parts.scheme, parts.netloc
