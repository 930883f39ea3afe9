"""Runs exported students by ONNX Runtime and LiteRT, without TensorFlow, Keras and keras_amid.

    python -I runtimes_loader.py REQUEST.npz RESPONSE.npz FILE ...

REQUEST holds arrays `<n>/<input name>`, one request for each n; RESPONSE gets
`<file number>/<n>/<output name>`. Prints, as JSON, for each file the dtypes of its inputs and
whether it has int8 weights.
"""

import json
import sys

import numpy as np

BLOCKED = ("keras", "keras_amid", "tensorflow", "jax", "torch")


def onnx(file):
    import onnx as format
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    weights = format.load(file).graph.initializer
    about = {
        "inputs": {i.name: i.type for i in session.get_inputs()},
        "int8": any(w.data_type == format.TensorProto.INT8 and len(w.dims) > 1 for w in weights),
    }
    return about, lambda x: dict(zip(names, session.run(names, x), strict=True))


def litert(file):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(file)
    runner = interpreter.get_signature_runner("serving_default")
    tensors = interpreter.get_tensor_details()
    about = {
        "inputs": {n: np.dtype(d["dtype"]).name for n, d in runner.get_input_details().items()},
        "int8": any(d["dtype"] == np.int8 and len(d["shape"]) > 1 for d in tensors),
    }
    return about, lambda x, _interpreter=interpreter: runner(**x)


def main(request_file, response_file, *files):
    for name in BLOCKED:
        sys.modules[name] = None
    requests, response, abouts = {}, {}, []
    for key, array in np.load(request_file).items():
        number, name = key.split("/")
        requests.setdefault(number, {})[name] = array
    for place, file in enumerate(files):
        about, run = (onnx if file.endswith(".onnx") else litert)(file)
        abouts.append(about)
        for number, x in requests.items():
            for name, value in run(x).items():
                response[f"{place}/{number}/{name}"] = value
    np.savez(response_file, **response)
    print(json.dumps(abouts))


if __name__ == "__main__":
    main(*sys.argv[1:])
