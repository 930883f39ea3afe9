"""Several devices: each forms the loss of the whole batch, so that n devices train as one does.

What compares the samples of a batch (the contrasts, V, w, d, lambda, the cosines, the banks) must
see all of it. So the networks' outputs, a few numbers a sample, are gathered before the loss is
formed, with their gradients; each device then has the same loss L and the same state after it:

- JAX: a sharded array is one array already; nothing is to be done.
- TensorFlow: the replicas of `tf.distribute.MirroredStrategy` meet in a `merge_call`. A shard's
  gradient is summed over the replicas. Keras divides the loss by their number and sums the
  gradients, so each weight gets the gradient of L.
- PyTorch: one process a device, `torch.distributed`. The gradient is summed likewise, and then
  averaged over the processes, by DistributedDataParallel or, in `fit`, here (`prepare`).

This is the one place that depends on the backend's devices.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops, tree

BACKEND = keras.backend.backend()

if BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "torch":
    import torch
    import torch.distributed as dist

#: Of Keras 3 under tf.distribute.MultiWorkerMirroredStrategy, both open.
UPSTREAM = (
    "https://github.com/keras-team/keras/issues/20329 and "
    "https://github.com/keras-team/keras/issues/20585"
)


def mask_dtype(model: keras.Model) -> str:
    """dtype of `x["present"]` as Keras is given it: under MirroredStrategy it adds batches up."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's trainer has one
    return "int32" if getattr(strategy, "num_replicas_in_sync", 1) > 1 else "bool"


def whole_batch(model: keras.Model, values: Any, training: bool) -> Any:
    """The batch of all devices, on each of them, out of its shards.

    Args:
        model: that is trained or evaluated.
        values: nest of tensors `(shard, ...)` and None.
        training: bool. On PyTorch evaluation takes each process's samples alone: processes need
            not evaluate at the same time.

    Returns:
        The nest, of tensors `(batch, ...)`; as it is on one device.

    Raises:
        ValueError: for a combination that could not train like one device.
    """
    if not _several(model, training):
        return values
    return tree.map_structure(
        lambda v: v if v is None else _all_gather(ops.convert_to_tensor(v)), values
    )


@contextlib.contextmanager
def named_layout() -> Iterator[None]:
    """Says what to do about a layout of `keras.distribution` that does not fit, which JAX does not.

    Raises:
        ValueError: where a dimension of a variable is not divisible by the devices it is for.
    """
    try:
        yield
    except ValueError as error:
        if type(error).__name__ != "IndivisibleError":
            raise
        raise ValueError(
            "A LayoutMap must shard dimensions that its devices divide: leave the discriminators' "
            "last kernels, of shape (D, 1), out of it, and whatever else has such dimensions; "
            f"received a layout of which JAX says: {error}"
        ) from error


if BACKEND == "tensorflow":

    def _several(model, training):
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return False
        _refuse(model, context.strategy)
        return True

    def _refuse(model, strategy):
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise ValueError(
                "The strategy must be one of a single process, such as "
                "tf.distribute.MirroredStrategy; received MultiWorkerMirroredStrategy of "
                f"{strategy.num_replicas_in_sync} replicas, under which Keras 3 cannot `fit` a "
                f"model whose inputs are a dict ({UPSTREAM}). Several hosts train with "
                "KERAS_BACKEND=jax or torch; see docs/several-devices.md."
            )
        if not isinstance(strategy, tf.distribute.MirroredStrategy):
            raise ValueError(
                "A strategy of several replicas must be tf.distribute.MirroredStrategy, under "
                "which each replica can see the whole batch; received "
                f"{type(strategy).__name__}. See docs/several-devices.md."
            )
        if "string" in getattr(model, "input_dtypes", {}).values():
            raise ValueError(
                "Strings cannot be given to a model under a tf.distribute strategy of several "
                f"replicas, of which Keras takes means; received inputs {model.input_dtypes}: make "
                "tokens of them in the pipeline."
            )
        if model.jit_compile and not model.run_eagerly:
            raise ValueError(
                "`jit_compile` of `compile` must be False or 'auto' under a tf.distribute strategy "
                "of several replicas, whose batch cannot be gathered within XLA; received "
                f"{model.jit_compile!r}."
            )

    def _all_gather(value):
        """Without collective operations, which wait for one another where threads are few."""
        context = tf.distribute.get_replica_context()
        if not value.dtype.is_floating:
            return context.merge_call(_joined, args=(value,))[0]

        @tf.custom_gradient
        def gathered(shard):
            whole, sizes = context.merge_call(_joined, args=(shard,))

            def gradient(upstream):
                summed = context.merge_call(_summed, args=(upstream,))
                rank = context.replica_id_in_sync_group
                begin = tf.reduce_sum(sizes[:rank])
                return summed[begin : begin + sizes[rank]]

            return whole, gradient

        return gathered(value)

    def _joined(strategy, value):
        shards = strategy.experimental_local_results(value)
        return tf.concat(shards, 0), tf.stack([tf.shape(shard)[0] for shard in shards])

    def _summed(strategy, value):
        return tf.add_n(strategy.experimental_local_results(value))

    def prepare(model: keras.Model) -> None:
        """Refuses what cannot train like one device, before anything is traced.

        Args:
            model: about to be trained.

        Raises:
            ValueError: for a strategy of several replicas other than MirroredStrategy, or one with
                `jit_compile=True`.
        """
        if model.distribute_strategy.num_replicas_in_sync > 1:
            _refuse(model, model.distribute_strategy)

elif BACKEND == "torch":

    def _several(model, training):
        return training and dist.is_available() and dist.is_initialized() and _processes() > 1

    def _processes():
        return dist.get_world_size()

    def _all_gather(value):
        size = torch.tensor([value.shape[0]], device=value.device)
        sizes = [torch.empty_like(size) for _ in range(_processes())]
        dist.all_gather(sizes, size)
        sizes = [int(s) for s in sizes]
        if len(set(sizes)) > 1:
            raise ValueError(
                "The batches of all processes must have the same number of samples; received "
                f"{sizes}. `drop_remainder=True` of `batches`, and of a DataLoader `drop_last`, "
                "leave out a last one that differs."
            )
        if value.dtype == torch.bool:  # which collective operations do not take
            return _Gather.apply(value.int()).bool()
        return _Gather.apply(value.contiguous())

    class _Gather(torch.autograd.Function):
        """The shards one after the other; a shard's gradient is the sum over the processes."""

        @staticmethod
        def forward(ctx, value):
            shards = [torch.empty_like(value) for _ in range(_processes())]
            dist.all_gather(shards, value)
            return torch.cat(shards)

        @staticmethod
        def backward(ctx, upstream):
            upstream = upstream.contiguous().clone()
            dist.all_reduce(upstream)
            return upstream.chunk(_processes())[dist.get_rank()]

    def prepare(model: keras.Model) -> None:
        """Makes the processes start alike, and average their gradients from now on.

        Args:
            model: about to be trained by `fit`. With one process, nothing happens.

        Raises:
            ValueError: for a model of several processes that is not built.
        """
        if not _several(model, training=True):
            return
        if not model.built:
            raise ValueError(
                f"{type(model).__name__} must be built before it is trained by several processes, "
                "which start from the same weights; received one that is not: call `build` (dict, "
                "modality -> shape) first."
            )
        with torch.no_grad():
            for variable in model.variables:
                dist.broadcast(variable.value.data, src=0)
        for parameter in (variable.value for variable in model.trainable_variables):
            if not hasattr(parameter, "is_averaged"):
                parameter.is_averaged = True
                parameter.register_post_accumulate_grad_hook(_average)

    def _average(parameter):
        if _several(None, training=True):
            dist.all_reduce(parameter.grad)
            parameter.grad /= _processes()

else:

    def _several(model, training):
        return False

    def _all_gather(value):
        return value

    def prepare(model: keras.Model) -> None:
        """Nothing is to be done before training."""
