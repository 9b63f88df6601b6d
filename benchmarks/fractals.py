"""The boundary of trainability: ``python -m benchmarks.fractals`` takes some minutes.

Maps of ``fastxor map --fractal`` beside JAX in an expert's hands: blocks of networks side by side,
on all cores, the measure made on the way, the fastest of several blocks. Both are timed on fewer
pixels than a picture has, whose time is fastxor's for these, scaled.
Which pixels converge must be the same but for a hundredth, as JAX has other last bits.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.peers.with_jax import import_jax
from fastxor.benchmarking.machine import describe
from fastxor.common.checks import Array
from fastxor.kernels.faster import special_kernels_at_once
from fastxor.maps import FRACTALS, Map
from fastxor.maps.boundary import CAP, LAST

ROUNDS, BLOCKS = 2, (16, 64)
# of a map: pixels across that are timed, with JAX, and of a picture
TIMED = (("single", 256, 64, 1024), ("tanh", 48, 16, 512))


def main() -> None:
    from benchmarks.conftest import info

    console = Console(highlight=False, width=96)
    console.print(describe(info()))
    table = Table(title="16-16-1 without biases, 500 epochs", title_justify="left")
    titles = "map", "samples", "dtype", "fastxor, us a pixel", "JAX by hand", "a picture"
    for title in titles:
        table.add_column(title, justify="right")
    for name, size, small, picture in TIMED:
        chart = FRACTALS[name]
        for dtype in ("float64", "float32"):
            with special_kernels_at_once():
                found = measure(chart, small, dtype)
                ours, _ = best(partial(measure, chart, size, dtype))
            theirs, other = min(map(best, by_jax(chart, small, dtype)), key=itemgetter(0))
            same = float(((found < 0) == (other < 0)).mean())
            assert same > 0.99, f"{name}, {dtype}: only {same:.1%} are the same"
            ours, theirs = ours / size**2, theirs / small**2
            table.add_row(
                name, str(len(chart.samples[0])), dtype, f"{ours * 1e6:,.0f}",
                f"{theirs * 1e6:,.0f}, {theirs / ours:.2f}x",
                f"{picture:,} x {picture:,}: {ours * picture**2:,.0f} s",
            )  # fmt: skip
    console.print(table)


def measure(chart: Map, size: int, dtype: str) -> Array:
    return np.ravel(chart.train(size, dtype=dtype).reduced)


def best(work: Callable[[], Array]) -> tuple[float, Array]:
    """The shortest time, after one to compile, and the result."""
    result, times = work(), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times), result


def by_jax(chart: Map, size: int, dtype: str) -> list[Callable[[], Array]]:
    """The measure of all pixels, by blocks of several sizes."""
    jax = import_jax()
    jnp, lax, T = jax.numpy, jax.lax, np.dtype(dtype).type
    call, epochs = chart.call(size, size), chart.settings["epochs"]
    X, y = (jnp.asarray(np.asarray(array, T)) for array in chart.samples)
    W1, W2 = (np.asarray(chart.weights[k], T) for k in (0, 2))  # type: ignore[index]
    rates = [np.broadcast_to(r, (size, size)).ravel().astype(T) for r in call["layer_rates"]]
    n = T(len(X))

    def train(given: Any) -> Any:
        first, second = given  # (block,) rates
        zero = 0 * first  # not jnp.zeros, which would be the same on all cores
        w = tuple(jnp.asarray(W)[..., None] + zero for W in (W1, W2))

        def step(w: Any) -> Any:
            W1, W2 = w
            Z = sum(X[:, i, None, None] * W1[i] for i in range(16))  # (n, 16, block)
            A = jnp.tanh(Z)
            error = (A * W2[:, 0]).sum(1) - y  # (n, block)
            loss = (error * error).sum(0) / n
            of_W2 = (A * error[:, None]).sum(0)[:, None] / n
            delta = error[:, None] * W2[:, 0] * (1 - A * A)
            of_W1 = jnp.stack([(X[:, i, None, None] * delta).sum(0) for i in range(16)]) / n
            return (W1 - first * of_W1, W2 - second * of_W2), loss

        def epoch(state: Any, number: Any) -> Any:
            w, start, total, inverse, last = state
            w, loss = step(w)
            start = jnp.where(number == 0, loss, start)
            v = loss / start
            v = jnp.where(v <= T(CAP), v, T(CAP))
            late = jnp.where(number >= epochs - LAST, v, T(0))
            return (w, start, total + v, inverse + 1 / v, last + late), None

        (_, _, total, inverse, last), _ = lax.scan(
            epoch, (w, zero, zero, zero, zero), jnp.arange(epochs)
        )
        return jnp.where(last < LAST, -total, inverse)

    cores = math.gcd(size, jax.device_count())
    mesh = jax.make_mesh((cores,), ("cores",), devices=jax.devices()[:cores])
    spec = jax.sharding.PartitionSpec("cores")
    sharding = jax.sharding.NamedSharding(mesh, spec)
    many = jax.jit(
        jax.shard_map(lambda g: lax.map(train, g), mesh=mesh, in_specs=(spec,), out_specs=spec)
    )

    def of_blocks(block: int) -> Callable[[], Array]:
        placed = tuple(jax.device_put(rate.reshape(-1, block), sharding) for rate in rates)
        return lambda: np.asarray(jax.block_until_ready(many(placed))).ravel()

    return [of_blocks(block) for block in BLOCKS if size * size % (block * cores) == 0]


if __name__ == "__main__":
    main()
