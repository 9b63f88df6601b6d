"""A network for each group in JAX: as an expert writes it, for groups that are all as large."""

import math
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.adam import rules_of_jax
from benchmarks.peers.formulas import Formulas, samples_first
from benchmarks.peers.many_with_jax import arrays, start
from benchmarks.peers.with_jax import import_jax, no_dots
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array


def by_hand(case: Case, X: Array, y: Array, epochs: int) -> dict[str, Training]:
    """By label, what trains ``case.networks`` on X (networks, n, I) and y (networks, n, O) and
    gives the losses of the last epoch: blocks of networks that fit a core's cache, on all cores."""
    jax = import_jax()
    lax, jnp, networks = jax.lax, jax.numpy, case.networks or 1
    cores = math.gcd(networks, jax.device_count())
    ((_, rule),) = [pair for pair in rules_of_jax(case).items() if "optax" not in pair[0]]
    state_of, update = rule
    mesh = jax.make_mesh((cores,), ("cores",), devices=jax.devices()[:cores])
    spec = jax.sharding.PartitionSpec("cores")

    def training(block: int, last: bool) -> Training:
        if last:  # networks are the last dimension
            own = Formulas(case, jnp, no_dots(jnp))
            gradients_of: Any = own.gradients
            parameters_of = partial(arrays, case)
            axes = (2, 1, 0)
        else:
            gradients_of = jax.vmap(Formulas(case, jnp, samples_first(jnp.dot)).gradients)
            axes = (0, 1, 2)

            def parameters_of(rows: Any) -> Any:
                return tuple(jnp.moveaxis(array, -1, 0) for array in arrays(case, rows))

        def train(given: Any) -> Any:
            rows, X, y = given
            X, y = jnp.transpose(X, axes), jnp.transpose(y, axes)
            w = parameters_of(rows)

            def step(state: Any) -> Any:
                gradients, loss = gradients_of(state[0], X, y)
                return update(*state, gradients), loss

            state, _ = lax.scan(
                lambda state, _: (step(state)[0], None), (w, state_of(w)), None, length=epochs - 1
            )
            return step(state)[1] / case.terms

        rows = np.concatenate([array.reshape(networks, -1) for array in start(case)], axis=1)
        size = rows.shape[1]
        given = (
            rows.reshape(-1, block, size).swapaxes(1, 2),
            X.reshape(-1, block, *X.shape[1:]), y.reshape(-1, block, *y.shape[1:]),
        )  # fmt: skip
        sharding = jax.sharding.NamedSharding(mesh, spec)
        placed = tuple(jax.device_put(array, sharding) for array in given)
        many = jax.jit(
            jax.shard_map(
                lambda given: lax.map(train, given), mesh=mesh, in_specs=(spec,), out_specs=spec
            )
        )
        return lambda: np.asarray(jax.block_until_ready(many(placed))).ravel()

    blocks = [block for block in (16, 64, 256) if networks % (block * cores) == 0]
    return {
        f"{'layers' if last else 'dots'}, blocks of {block}": training(block, last)
        for block in blocks or [networks // cores]
        for last in (True, False)
    }
