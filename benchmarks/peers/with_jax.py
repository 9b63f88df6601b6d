"""The same training in JAX."""

import os
import sys
from typing import Any

import numpy as np

from benchmarks.peers.formulas import gradients_by_hand
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array

BLOCK = 64  # samples at a time that JAX keeps in cache, for large batches


def import_jax() -> Any:
    """JAX with settings for the whole process; they must be made before its first import."""
    flags = (
        # loops over small arrays become one kernel each, up to ten times as fast
        "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000 "
        # a device for each core, for `many_with_jax`
        f"--xla_force_host_platform_device_count={os.cpu_count()}"
    )
    if "jax" not in sys.modules and flags not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """One compiled call: `lax.scan` over epochs and batches, with gradients got in several ways.

    Samples-first gradients take X (B, I) and y (B, O), samples-last ones their transposes: then
    the elements of a vector instruction are samples, of which there are more than of units.
    """
    jax = import_jax()
    jnp, lax = jax.numpy, jax.lax
    I, _, O = case.sizes
    T = np.dtype(case.dtype).type
    rate, start = T(case.learning_rate), case.start.arrays

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + jnp.exp(-z))

    def autodiff(parameters: Any, X: Any, y: Any) -> Any:
        def half_error(parameters: Any) -> Any:
            W1, b1, W2, b2 = parameters
            A2 = jax.nn.sigmoid(jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2)
            return 0.5 * jnp.sum((A2 - y) ** 2)

        half, gradients = jax.value_and_grad(half_error)(parameters)
        return gradients, 2 * half

    def dots(parameters: Any, X: Any, y: Any) -> Any:
        return gradients_by_hand(sigmoid, jnp.dot, parameters, X, y)

    def dots_last(parameters: Any, X: Any, y: Any) -> Any:
        W1, b1, W2, b2 = parameters
        Z1 = sum(W1[i][:, None] * X[i] for i in range(I)) if I <= 4 else W1.T @ X
        A1 = sigmoid(Z1 + b1.T)
        A2 = sigmoid(W2.T @ A1 + b2.T)
        error = A2 - y
        delta2 = error * (A2 * (1 - A2))
        delta1 = (W2 * delta2 if O == 1 else W2 @ delta2) * (A1 * (1 - A1))
        db1, db2 = delta1.sum(1)[None], delta2.sum(1)[None]
        return (X @ delta1.T, db1, A1 @ delta2.T, db2), (error * error).sum()

    def no_dots_last(parameters: Any, X: Any, y: Any) -> Any:
        W1, b1, W2, b2 = parameters
        A1 = sigmoid(sum(W1[i][:, None] * X[i] for i in range(I)) + b1[0][:, None])
        A2 = [sigmoid((W2[:, o][:, None] * A1).sum(0) + b2[0, o]) for o in range(O)]
        errors = [A2[o] - y[o] for o in range(O)]
        delta2 = [errors[o] * (A2[o] * (1 - A2[o])) for o in range(O)]
        delta1 = sum(W2[:, o][:, None] * delta2[o] for o in range(O)) * (A1 * (1 - A1))
        return (
            jnp.stack([(delta1 * X[i]).sum(1) for i in range(I)]),
            delta1.sum(1)[None],
            jnp.stack([(A1 * delta).sum(1) for delta in delta2], axis=1),
            jnp.stack([delta.sum() for delta in delta2])[None],
        ), sum((error * error).sum() for error in errors)

    def in_blocks(parameters: Any, X: Any, y: Any) -> Any:
        def add(total: Any, block: Any) -> Any:
            return jax.tree.map(jnp.add, total, no_dots_last(parameters, *block)), None

        zeros = jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), T)
        return lax.scan(add, zeros, (X, y))[0]

    def split(array: Array) -> Array:  # (B, I) as (B / BLOCK, I, BLOCK)
        return array.reshape(-1, BLOCK, array.shape[1]).transpose(0, 2, 1)

    def training(gradients_of: Any, arrange: Any = np.transpose, unroll: int = 1) -> Training:
        batches = [(arrange(X), arrange(y)) for X, y in case.batches()]
        rest = [batches.pop()] if batches[-1][0].shape != batches[0][0].shape else []

        def step(parameters: Any, batch: Any) -> Any:
            gradients, error = gradients_of(parameters, *batch)
            return jax.tree.map(lambda w, g: w - rate * g, parameters, gradients), error

        # the data are constants of the compiled code, which makes some small cases faster
        stacked = tuple(jnp.asarray(np.stack(arrays)) for arrays in zip(*batches, strict=True))
        rest = jax.tree.map(jnp.asarray, rest)
        parameters = tuple(map(jnp.asarray, start))

        @jax.jit
        def train(parameters: Any) -> Any:
            def epoch(parameters: Any, _: None) -> Any:
                if len(stacked[0]) > 1:
                    parameters, errors = lax.scan(step, parameters, stacked)
                    error = errors.sum()
                else:
                    parameters, error = step(parameters, (stacked[0][0], stacked[1][0]))
                for batch in rest:
                    parameters, last_error = step(parameters, batch)
                    error += last_error
                return parameters, error / (case.n * O)

            return lax.scan(epoch, parameters, None, length=epochs, unroll=unroll)[1]

        return lambda: np.asarray(train(parameters))

    found = {
        "autodiff": training(autodiff, arrange=np.asarray),
        "dots": training(dots, arrange=np.asarray),
        "dots, samples last": training(dots_last),
    }
    if I + O <= 8:  # they are written out one by one
        found["no dots, samples last"] = training(no_dots_last)
        if case.n == 4:
            found["no dots, samples last, unrolled"] = training(no_dots_last, unroll=4)
        size = min(case.batch_size or case.n, case.n)
        if size >= 4 * BLOCK and size % BLOCK == case.n % size == 0:
            found["no dots, samples last, blocks"] = training(in_blocks, arrange=split)
    return found
