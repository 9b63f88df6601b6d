"""Many networks at once as one trains them with Flax and Optax."""

from typing import Any

import numpy as np

from benchmarks.peers.many_with_jax import start
from benchmarks.peers.with_jax import import_jax
from fastxor.benchmarking.cases import Case, Training


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """``vmap`` of a `TrainState`'s step: called for each epoch, as TurbaNet does, or in a scan.

    TurbaNet itself takes states of Adam only.
    """
    jax = import_jax()
    import optax
    from flax import linen
    from flax.training.train_state import TrainState

    if case.loss != "mse":
        raise ValueError(f"only squared errors are trained, got {case}")
    network = case.architecture
    functions = {
        "sigmoid": linen.sigmoid, "tanh": linen.tanh, "relu": linen.relu, "identity": lambda z: z,
    }  # fmt: skip

    class Model(linen.Module):  # type: ignore[misc]
        @linen.compact
        def __call__(self, x: Any) -> Any:
            for _, units, function, has_bias, _ in network.layers:
                dense = linen.Dense(units, use_bias=has_bias, param_dtype=case.dtype)
                x = functions[function](dense(x))
            return x

    X, y = (jax.numpy.asarray(array) for array in case.data())
    model, optimizer = Model(), optax.sgd(case.learning_rate)

    def half_error(params: Any) -> Any:
        return 0.5 * ((model.apply({"params": params}, X) - y) ** 2).sum()

    def step(state: Any, _: None = None) -> Any:
        half, gradients = jax.value_and_grad(half_error)(state.params)
        return state.apply_gradients(grads=gradients), 2 * half / case.terms

    def scan(state: Any) -> Any:
        def epoch(carry: Any, _: None) -> Any:
            return step(carry[0]), None

        return jax.lax.scan(epoch, step(state), None, length=epochs - 1)[0]

    arrays, params = iter(start(case)), {}
    for number, has_bias in enumerate(network.biases):
        params[f"Dense_{number}"] = {"kernel": next(arrays)}
        if has_bias:
            params[f"Dense_{number}"]["bias"] = next(arrays)[:, 0]
    states = jax.vmap(
        lambda params: TrainState.create(apply_fn=model.apply, params=params, tx=optimizer)
    )(params)
    many, at_once = jax.jit(jax.vmap(step)), jax.jit(jax.vmap(scan))

    def by_calls() -> Any:
        state = states
        for _ in range(epochs):
            state, loss = many(state)
        return np.asarray(loss)

    return {
        "a call for each epoch": by_calls,
        "scan": lambda: np.asarray(jax.block_until_ready(at_once(states))[1]),
    }
