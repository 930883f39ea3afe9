"""Runs a SavedModel through TensorFlow's C API: the loader of TensorFlow Serving, without Python.

    python -I tests/saved_model_loader.py EXPORT_FOLDER REQUEST.npz RESPONSE.npz
    python -I tests/saved_model_loader.py < LINES_OF_JSON  # each a list of these three

REQUEST holds arrays `<n>/<input name>`, one request for each n; RESPONSE gets `<n>/<output name>`.
Prints the serving signature and the assets as JSON. Neither Keras, nor keras_amid, nor the
TensorFlow Python package is imported: importing one is made to fail.
"""

import ctypes
import importlib.util
import json
import pathlib
import sys

import numpy as np

BLOCKED = ("keras", "keras_amid", "tensorflow", "jax", "torch")
# TF_DataType -> NumPy, but for strings, which are only described
DTYPES = {1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64"} | {
    7: "string"
}


def block_packages():
    location = importlib.util.find_spec("tensorflow").submodule_search_locations[0]
    for name in BLOCKED:
        sys.modules[name] = None
    return pathlib.Path(location)


def load_library(folder):
    def library(stem):
        return ctypes.CDLL(str(next(folder.glob(f"{stem}.*"))), mode=ctypes.RTLD_GLOBAL)

    library("libtensorflow_framework")
    tf = library("libtensorflow_cc")
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    returns = {
        "TF_Message": text,
        "TF_TensorData": pointer,
        "TF_TensorByteSize": ctypes.c_size_t,
        "TF_Dim": ctypes.c_int64,
    }
    for name in (
        "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_NewBuffer TF_AllocateTensor "
        "TF_LoadSessionFromSavedModel TF_GraphOperationByName"
    ).split():
        returns[name] = pointer
    for name, kind in returns.items():
        getattr(tf, name).restype = kind
    return tf


class Buffer(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    ]


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


# Protocol buffers, as far as a MetaGraphDef's signatures and assets need them.


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a message: number -> list of values (int, or bytes)."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            length, at = varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at : at + length], at + length
        found.setdefault(number, []).append(value)
    return found


def tensor_infos(entries):
    """A map<string, TensorInfo>: name -> dict of tensor, dtype and shape."""
    infos = {}
    for entry in entries:
        key, value = fields(entry)[1][0].decode(), fields(fields(entry)[2][0])
        dims = fields(value[3][0]).get(2, [])
        sizes = [np.uint64(fields(dim).get(1, [0])[0]).astype("int64") for dim in dims]
        infos[key] = {
            "tensor": value[1][0].decode(),
            "dtype": DTYPES[value[2][0]],
            "shape": [int(size) for size in sizes],
        }
    return infos


def describe(meta_graph):
    meta_graph = fields(meta_graph)
    signatures = {}
    for entry in meta_graph[5]:
        name, signature = fields(entry)[1][0].decode(), fields(fields(entry)[2][0])
        # TensorFlow's own: an operation to run on loading, not a signature to call.
        if name != "__saved_model_init_op":
            signatures[name] = {
                "inputs": tensor_infos(signature.get(1, [])),
                "outputs": tensor_infos(signature.get(2, [])),
                "method": signature[3][0].decode(),
            }
    assets = [fields(asset)[2][0].decode() for asset in meta_graph.get(6, [])]
    return {"signatures": signatures, "assets": assets}


class Session:
    def __init__(self, tf, folder):
        self.tf, self.status = tf, tf.TF_NewStatus()
        self.graph = tf.TF_NewGraph()
        meta_graph = Buffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self.session = tf.TF_LoadSessionFromSavedModel(
            ctypes.c_void_p(tf.TF_NewSessionOptions()),
            None,
            str(folder).encode(),
            tags,
            1,
            ctypes.c_void_p(self.graph),
            ctypes.byref(meta_graph),
            ctypes.c_void_p(self.status),
        )
        self.check()
        self.description = describe(ctypes.string_at(meta_graph.data, meta_graph.length))

    def check(self):
        status = ctypes.c_void_p(self.status)
        if self.tf.TF_GetCode(status):
            raise RuntimeError(self.tf.TF_Message(status).decode())

    def output(self, tensor_name):
        name, index = tensor_name.split(":")
        graph = ctypes.c_void_p(self.graph)
        return Output(self.tf.TF_GraphOperationByName(graph, name.encode()), int(index))

    def tensor(self, array, dtype):
        if array.dtype != dtype:
            raise TypeError(f"the signature takes {dtype}; received {array.dtype}")
        array = np.ascontiguousarray(array)
        dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        code = next(code for code, name in DTYPES.items() if name == dtype)
        size = ctypes.c_size_t(array.nbytes)
        tensor = ctypes.c_void_p(self.tf.TF_AllocateTensor(code, dims, array.ndim, size))
        ctypes.memmove(self.tf.TF_TensorData(tensor), array.ctypes.data, array.nbytes)
        return tensor

    def array(self, tensor):
        tensor = ctypes.c_void_p(tensor)
        data, size = self.tf.TF_TensorData(tensor), self.tf.TF_TensorByteSize(tensor)
        shape = [self.tf.TF_Dim(tensor, i) for i in range(self.tf.TF_NumDims(tensor))]
        dtype = DTYPES[self.tf.TF_TensorType(tensor)]
        return np.frombuffer(ctypes.string_at(data, size), dtype).reshape(shape)

    def run(self, arrays):
        signature = self.description["signatures"]["serving_default"]
        infos, outputs = signature["inputs"], signature["outputs"]
        feeds = (Output * len(arrays))(*[self.output(infos[n]["tensor"]) for n in arrays])
        values = [self.tensor(array, infos[n]["dtype"]) for n, array in arrays.items()]
        fetches = (Output * len(outputs))(*[self.output(o["tensor"]) for o in outputs.values()])
        results = (ctypes.c_void_p * len(outputs))()
        self.tf.TF_SessionRun(
            ctypes.c_void_p(self.session),
            None,
            feeds,
            (ctypes.c_void_p * len(values))(*values),
            len(values),
            fetches,
            results,
            len(outputs),
            None,
            0,
            None,
            ctypes.c_void_p(self.status),
        )
        self.check()
        return {name: self.array(result) for name, result in zip(outputs, results, strict=True)}


def serve(tf, folder, request_file, response_file):
    """Answers one file of requests; prints what the SavedModel is."""
    session = Session(tf, folder)
    requests = {}
    for key, array in np.load(request_file).items():
        number, name = key.split("/")
        requests.setdefault(number, {})[name] = array
    response = {
        f"{number}/{name}": array
        for number, arrays in requests.items()
        for name, array in session.run(arrays).items()
    }
    np.savez(response_file, **response)
    imported = [name for name in BLOCKED if sys.modules[name] is not None]
    print(json.dumps({**session.description, "imported": imported}), flush=True)


def main(*arguments):
    tf = load_library(block_packages())
    for given in [arguments] if arguments else map(json.loads, sys.stdin):
        serve(tf, *given)


if __name__ == "__main__":
    main(*sys.argv[1:])
