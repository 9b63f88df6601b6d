"""Many networks at once in JAX: as an expert writes it, and as its documentation does.

Both are timed with the starting weights in place, and compute the losses of the last epoch only.
"""

from typing import Any

import numpy as np

from benchmarks.peers.with_jax import import_jax
from fastxor.benchmarking.cases import Case, Training
from fastxor.sweeps.many import train_many

BLOCKS = (32, 64, 256, 512)  # networks at a time that a core keeps in its cache


def by_hand(case: Case, epochs: int) -> dict[str, Training]:
    """Formulas by hand, an array for each weight, blocks of networks, spread over all cores.

    Arrays hold a weight of all networks of a block. Samples are written out, or are a dimension
    in front.
    """
    jax = import_jax()
    jnp, lax = jax.numpy, jax.lax
    I, H, O = case.sizes
    T = np.dtype(case.dtype).type
    X, y = case.data()
    rate = T(case.learning_rate)

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + jnp.exp(-z))

    def written_out() -> Any:
        samples = [
            ([T(x) for x in row], [T(t) for t in target]) for row, target in zip(X, y, strict=True)
        ]
        return samples, lambda values: sum(values[1:], values[0])

    def in_front() -> Any:
        def column(values: Any) -> Any:
            return jnp.asarray(values, T)[:, None]

        return [([column(X[:, i]) for i in range(I)], [column(y[:, o]) for o in range(O)])], (
            lambda values: values[0].sum(0)
        )

    def training(arrange: Any, block: int) -> Training:
        samples, total = arrange()

        def forward(w: Any, x: Any) -> Any:
            W1, b1, W2, b2 = w
            a = [sigmoid(b1[h] + sum(x[i] * W1[i][h] for i in range(I))) for h in range(H)]
            return a, [sigmoid(b2[o] + sum(a[h] * W2[h][o] for h in range(H))) for o in range(O)]

        def losses(w: Any) -> Any:
            errors = [
                output - target
                for x, targets in samples
                for output, target in zip(forward(w, x)[1], targets, strict=True)
            ]
            return total([error * error for error in errors]) / (case.n * O)

        def step(w: Any) -> Any:
            W2, terms = w[2], []
            for x, targets in samples:
                a, outputs = forward(w, x)
                delta2 = [(p - t) * (p * (1 - p)) for p, t in zip(outputs, targets, strict=True)]
                delta1 = [
                    sum(delta2[o] * W2[h][o] for o in range(O)) * (a[h] * (1 - a[h]))
                    for h in range(H)
                ]
                terms.append((
                    [[x[i] * delta1[h] for h in range(H)] for i in range(I)], delta1,
                    [[a[h] * delta2[o] for o in range(O)] for h in range(H)], delta2,
                ))  # fmt: skip
            return jax.tree.map(lambda w, *terms: w - rate * total(terms), w, *terms)

        def train(rows: Any) -> Any:  # (parameters, block)
            rows = iter(rows)
            w = (
                [[next(rows) for _ in range(H)] for _ in range(I)], [next(rows) for _ in range(H)],
                [[next(rows) for _ in range(O)] for _ in range(H)], [next(rows) for _ in range(O)],
            )  # fmt: skip
            w, _ = lax.scan(lambda w, _: (step(w), None), w, None, length=epochs - 1)
            return losses(w), jnp.stack(jax.tree.leaves(step(w)))

        mesh = jax.make_mesh((jax.device_count(),), ("cores",))
        blocks = jax.sharding.PartitionSpec("cores")
        starts = columns(case).reshape(-1, case.networks // block, block).swapaxes(0, 1)
        placed = jax.device_put(starts, jax.sharding.NamedSharding(mesh, blocks))
        many = jax.jit(
            jax.shard_map(
                lambda starts: lax.map(train, starts), mesh=mesh, in_specs=blocks, out_specs=blocks
            )
        )
        return lambda: np.asarray(jax.block_until_ready(many(placed))[0]).ravel()

    return {
        f"{name}, blocks of {block}": training(arrange, block)
        for name, arrange in (("samples written out", written_out), ("samples first", in_front))
        for block in BLOCKS
        if case.networks % (block * jax.device_count()) == 0
    }


def columns(case: Case) -> Any:
    """The starting weights W1, b1, W2, b2 of all seeds: (parameters, networks)."""
    start = train_many(
        *case.data(), seed=np.arange(case.networks), hidden_size=case.sizes[1], epochs=0,
        dtype=case.dtype,
    )  # fmt: skip
    rows = [array.reshape(case.networks, -1) for array in start.networks.arrays]
    return np.ascontiguousarray(np.concatenate(rows, axis=1).T)


def vmap(case: Case, epochs: int) -> dict[str, Training]:
    """``vmap`` of a training with automatic gradients."""
    jax = import_jax()
    jnp, lax = jax.numpy, jax.lax
    I, H, O = case.sizes
    T = np.dtype(case.dtype).type
    X, y = (jnp.asarray(array) for array in case.data())
    rate = T(case.learning_rate)

    def half_error(parameters: Any) -> Any:
        W1, b1, W2, b2 = parameters
        A2 = jax.nn.sigmoid(jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2)
        return T(0.5) * jnp.sum((A2 - y) ** 2)

    def train(parameters: Any) -> Any:
        def epoch(state: Any, _: None) -> Any:
            half, gradients = jax.value_and_grad(half_error)(state[0])
            return (jax.tree.map(lambda w, g: w - rate * g, state[0], gradients), half), None

        (parameters, half), _ = lax.scan(epoch, (parameters, T(0)), None, length=epochs)
        return 2 * half / (case.n * O), parameters

    rows = columns(case).T
    W1, b1, W2, b2 = np.split(rows, [I * H, (I + 1) * H, (I + 1 + O) * H], axis=1)
    parameters = tuple(
        jnp.asarray(array.reshape(-1, *shape))
        for array, shape in ((W1, (I, H)), (b1, (1, H)), (W2, (H, O)), (b2, (1, O)))
    )
    many = jax.jit(jax.vmap(train))
    return {"vmap": lambda: np.asarray(jax.block_until_ready(many(parameters))[0])}
