"""A student on a server of TensorFlow Serving's protocols, asked by HTTP or gRPC. Without Keras."""

from keras_amid.serving.server import Server, ServerError, connect

__all__ = ["Server", "ServerError", "connect"]
