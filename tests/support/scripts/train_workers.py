"""What `fit` says under a strategy that cannot train as one device does (TensorFlow).

Usage: train_workers.py OUT.npz
One worker of tf.distribute.MultiWorkerMirroredStrategy, with TF_CONFIG in its environment.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf
import tiny


def main(out):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = tiny.amid()
        model.compile(optimizer=tiny.sgd(0.1))
    try:
        model.fit(*tiny.data(8), batch_size=4, verbose=0)
    except ValueError as error:
        if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 0:
            np.savez(out, message=str(error), replicas=strategy.num_replicas_in_sync)


if __name__ == "__main__":
    main(*sys.argv[1:])
