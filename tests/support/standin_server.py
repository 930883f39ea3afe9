"""A server with TensorFlow Serving's REST and gRPC interfaces, as far as a client of ours needs.

    python standin_server.py MODEL_NAME FOLDER_OF_VERSIONS

Loads the highest version, prints the two ports (REST, gRPC), and serves until it is ended.
POST /faults {"unavailable": 2, "seconds": 0.5} makes the next two predictions fail as those of a
busy server, and all take so long.
"""

import base64
import json
import os
import sys
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc  # noqa: E402

FAULTS = {"unavailable": 0, "seconds": 0.0}


class Busy(Exception):
    """As a server that is starting."""


class Model:
    def __init__(self, name, folder):
        versions = [int(name) for name in os.listdir(folder) if name.isdigit()]
        self.name, self.version = name, max(versions)
        self.loaded = tf.saved_model.load(os.path.join(folder, str(self.version)))

    def predict(self, name, version, signature, values):
        """dict of arrays; KeyError where there is no such model, ValueError where it says no."""
        time.sleep(FAULTS["seconds"])
        if FAULTS["unavailable"]:
            FAULTS["unavailable"] -= 1
            raise Busy
        if name != self.name or version not in (None, self.version):
            raise KeyError(f"Servable not found for request: Latest({name})")
        if signature not in self.loaded.signatures:
            raise ValueError(f'Serving signature name: "{signature}" not found in signature def')
        function = self.loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        if set(values) != set(specs):
            raise ValueError(f"inputs do not match signature: {sorted(values)}")
        tensors = {n: tf.constant(v, specs[n].dtype) for n, v in values.items()}
        if not all(tensors[n].shape.is_compatible_with(specs[n].shape) for n in specs):
            raise ValueError(f"shapes do not match: { {n: t.shape for n, t in tensors.items()} }")
        return {n: v.numpy() for n, v in function(**tensors).items()}


def binary(value):
    """JSON with {"b64": ...} for bytes."""
    if isinstance(value, list):
        return [binary(part) for part in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def listed(array):
    values = array.tolist()
    return [v.decode() for v in values] if array.dtype == object else values


class Rest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/faults":
            FAULTS.update(body)
            return self.answer(200, {})
        # /v1/models/NAME[/versions/N]:predict
        path, _, verb = self.path.rpartition(":")
        _, _, _, name, *rest = path.split("/")
        if verb != "predict":
            return self.answer(404, {"error": f"Unknown verb {verb}"})
        version = int(rest[1]) if rest else None
        values = {n: binary(v) for n, v in body["inputs"].items()}
        try:
            found = self.server.model.predict(
                name, version, body.get("signature_name", "serving_default"), values
            )
        except Busy:
            return self.answer(503, {"error": "starting"})
        except KeyError as error:
            return self.answer(404, {"error": error.args[0]})
        except (ValueError, TypeError) as error:
            return self.answer(400, {"error": str(error)})
        outputs = {n: listed(v) for n, v in found.items()}
        self.answer(
            200, {"outputs": next(iter(outputs.values())) if len(outputs) == 1 else outputs}
        )

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        values = {n: tf.make_ndarray(v) for n, v in request.inputs.items()}
        signature = spec.signature_name or "serving_default"
        try:
            found = self.model.predict(spec.name, version, signature, values)
        except Busy:
            context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        except KeyError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, error.args[0])
        except (ValueError, TypeError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        answer = predict_pb2.PredictResponse()
        for name in request.output_filter or found:
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(np.asarray(found[name])))
        return answer


def main(name, folder):
    model = Model(name, folder)
    rest = ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(
        futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(model), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps([rest.server_port, port]), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
