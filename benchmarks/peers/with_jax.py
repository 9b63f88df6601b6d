"""The same training in JAX."""

import os
import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.adam import Rule, rules_of_jax
from benchmarks.peers.formulas import Formulas, Layout, samples_first
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


def objective(case: Case) -> Any:
    """What automatic gradients are those of; also returns the sum of the loss's terms."""
    jax = import_jax()
    jnp, network = jax.numpy, case.architecture
    functions = {
        "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z,
    }  # fmt: skip

    def value(parameters: Any, X: Any, y: Any) -> Any:
        *hidden, last = network.layers_of(parameters)
        for W, b, function, _ in hidden:
            X = functions[function](X @ W if b is None else X @ W + b)
        Z = X @ last.W if last.b is None else X @ last.W + last.b
        if case.output == "softmax":
            loss = -jnp.sum(y * jax.nn.log_softmax(Z))
        elif case.loss == "log_loss":
            loss = jnp.sum(jnp.logaddexp(0, Z) - y * Z)
        else:
            square = jnp.sum((functions[case.output](Z) - y) ** 2)
            return 0.5 * square, square
        return loss, loss

    return value


def no_dots(jnp: Any) -> Layout:
    """Samples last, X (I, B) and y (O, B); products are written out along the shorter side."""

    def sums(A: Any, W: Any) -> Any:
        I, O = W.shape[:2]
        if I <= O:
            return sum(W[i][:, None] * A[i] for i in range(I))
        columns = [(W[:, o][:, None] * A).sum(0) for o in range(O)]
        return jnp.stack(columns) if O > 1 else columns[0][None]

    def back(delta: Any, W: Any) -> Any:
        return sum(W[:, o][:, None] * delta[o] for o in range(W.shape[1]))

    def outer(A: Any, delta: Any) -> Any:
        if len(A) <= len(delta):
            return jnp.stack([(delta * row).sum(1) for row in A])
        return jnp.stack([(A * row).sum(1) for row in delta], axis=1)

    return Layout(sums, back, outer, samples=1)


def _few_dots(A: Any, W: Any) -> Any:
    return sum(W[i][:, None] * A[i] for i in range(len(W))) if len(W) <= 4 else W.T @ A


DOTS_LAST = Layout(
    _few_dots,
    lambda delta, W: W * delta if W.shape[1] == 1 else W @ delta,
    lambda A, delta: A @ delta.T,
    samples=1,
)


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """One compiled call: `lax.scan` over epochs and batches, with gradients got in several ways.

    Samples-first gradients take X (B, I) and y (B, O), samples-last ones their transposes: then
    the elements of a vector instruction are samples, of which there are more than of units.
    """
    jax = import_jax()
    jnp, lax = jax.numpy, jax.lax
    T = np.dtype(case.dtype).type
    start = case.start.arrays
    value_and_grad = jax.value_and_grad(objective(case), has_aux=True)

    def autodiff(parameters: Any, X: Any, y: Any) -> Any:
        (_, loss), gradients = value_and_grad(parameters, X, y)
        return gradients, loss

    def by_hand(layout: Layout, **more: Any) -> Any:
        return Formulas(case, jnp, layout, **more).gradients

    def in_blocks(gradients_of: Any) -> Any:
        def gradients(parameters: Any, X: Any, y: Any) -> Any:
            def add(total: Any, block: Any) -> Any:
                return jax.tree.map(jnp.add, total, gradients_of(parameters, *block)), None

            zeros = jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), T)
            return lax.scan(add, zeros, (X, y))[0]

        return gradients

    def over_cores(gradients_of: Any) -> Any:
        mesh = jax.sharding.Mesh(jax.devices(), ("cores",))
        all_, part = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("cores")

        def gradients(*arguments: Any) -> Any:
            return lax.psum(gradients_of(*arguments), "cores")

        return jax.shard_map(
            gradients, mesh=mesh, in_specs=(all_, part, part), out_specs=all_, check_vma=False
        )

    def split(array: Array) -> Array:  # (B, I) as (B / BLOCK, I, BLOCK)
        return array.reshape(-1, BLOCK, array.shape[1]).transpose(0, 2, 1)

    def training_by(
        rule: Rule, gradients_of: Any, arrange: Any = np.transpose, unroll: int = 1
    ) -> Training:
        state_of, update = rule
        batches = [(arrange(X), arrange(y)) for X, y in case.batches()]
        rest = [batches.pop()] if batches[-1][0].shape != batches[0][0].shape else []

        def step(state: Any, batch: Any) -> Any:
            gradients, loss = gradients_of(state[0], *batch)
            return update(*state, gradients), loss

        # the data are constants of the compiled code, which makes some small cases faster
        stacked = tuple(jnp.asarray(np.stack(arrays)) for arrays in zip(*batches, strict=True))
        rest = jax.tree.map(jnp.asarray, rest)
        parameters = tuple(map(jnp.asarray, start))

        @jax.jit
        def train(parameters: Any) -> Any:
            def epoch(state: Any, _: None) -> Any:
                if len(stacked[0]) > 1:
                    state, losses = lax.scan(step, state, stacked)
                    loss = losses.sum()
                else:
                    state, loss = step(state, (stacked[0][0], stacked[1][0]))
                for batch in rest:
                    state, last_loss = step(state, batch)
                    loss += last_loss
                return state, loss / case.terms

            # with the parameters: what nobody gets, as the update of a single epoch, is left out
            start = parameters, state_of(parameters)
            return lax.scan(epoch, start, None, length=epochs, unroll=unroll)

        return lambda: np.asarray(train(parameters)[1])

    def variants_by(rule: Rule) -> dict[str, Training]:
        training = partial(training_by, rule)
        found = {
            "autodiff": training(autodiff, arrange=np.asarray),
            "dots": training(by_hand(samples_first(jnp.dot)), arrange=np.asarray),
            "dots, samples last": training(by_hand(DOTS_LAST)),
        }
        written_out = by_hand(no_dots(jnp))
        few = sum(min(layer[:2]) for layer in case.architecture.layers) <= 24
        if few:  # they are written out one by one
            found["no dots, samples last"] = training(written_out)
            if case.n == 4:
                found["no dots, samples last, unrolled"] = training(written_out, unroll=4)
        size = min(case.batch_size or case.n, case.n)
        if size >= 4 * BLOCK and size % BLOCK == case.n % size == 0:
            if few:
                found["no dots, samples last, blocks"] = training(in_blocks(written_out), split)
                if size >= 16_384 and size % (BLOCK * jax.device_count()) == 0:
                    shared = over_cores(in_blocks(written_out))
                    found["no dots, samples last, blocks, all cores"] = training(shared, split)
            found["dots, samples last, blocks"] = training(in_blocks(by_hand(DOTS_LAST)), split)
        if len(case.sizes) > 3:  # each layer once, not anew for every use of it
            kept = by_hand(DOTS_LAST, keep=lax.optimization_barrier)
            found["dots, samples last, barriers"] = training(kept)
            if few:
                kept = by_hand(no_dots(jnp), keep=lax.optimization_barrier)
                found["no dots, samples last, barriers"] = training(kept)
        return found

    return {
        f"{label}, {name}" if name else label: training
        for name, rule in rules_of_jax(case).items()
        for label, training in variants_by(rule).items()
    }
