"""How fast training is, on this machine: ``python -m pytest benchmarks``.

Every fastxor case is checked against the reference to the bit before it is timed. Compare
figures of one run only, best as ratios, and look at the minimum: what disturbs a measurement
adds to it. ``--benchmark-json FILE`` keeps them; ``ns`` there, in extra_info, is the minimum
per epoch or per sample.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastxor
from fastxor import data, kernels, reference, textbook
from fastxor.agreement import compare
from fastxor.network import starting_network

XOR = data.xor()
DTYPES = ["float64", "float32"]
EPOCHS = 10_000


def batch(n: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    return random.normal(size=(n, 2)), random.random((n, 1))


def check(X: Any, y: Any, **settings: Any) -> None:
    result = compare(X, y, show=False, **settings)
    assert result.agree, str(result)


def per(benchmark: Any, count: int, unit: str) -> None:
    """Note the shortest time per epoch or sample."""
    if benchmark.stats is not None:  # None with --benchmark-disable
        benchmark.extra_info["ns"] = round(benchmark.stats.stats.min / count * 1e9, 3)
        benchmark.extra_info["per"] = unit


@pytest.mark.benchmark(group="XOR, 10,000 epochs: the whole call")
@pytest.mark.parametrize("engine", ["tutorial", "reference", "fastxor"])
def test_xor(benchmark: Any, engine: str) -> None:
    check(*XOR, epochs=EPOCHS)
    start = starting_network(42, (2, 2, 1), np.float64).arrays
    call: Callable[[], Any] = {
        "tutorial": lambda: textbook.train(*XOR, start, epochs=EPOCHS),
        "reference": lambda: reference.train(*XOR, epochs=EPOCHS),
        "fastxor": lambda: fastxor.train(*XOR, epochs=EPOCHS),
    }[engine]
    benchmark.pedantic(call, rounds=100 if engine == "fastxor" else 5, warmup_rounds=1)
    per(benchmark, EPOCHS, "epoch")


@pytest.mark.benchmark(group="XOR: the call without its epochs")
def test_overhead(benchmark: Any) -> None:
    fastxor.train(*XOR, epochs=1)
    benchmark(lambda: fastxor.train(*XOR, epochs=1))


# 100,000 epochs: what a call costs beyond its epochs disappears
@pytest.mark.benchmark(group="XOR, 100,000 epochs by hidden units")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden_size", [2, 4, 8, 32])
def test_one_network(benchmark: Any, hidden_size: int, dtype: str) -> None:
    settings = {"hidden_size": hidden_size, "dtype": dtype}
    check(*XOR, epochs=500, **settings)
    epochs = 10 * EPOCHS
    benchmark.pedantic(
        lambda: fastxor.train(*XOR, epochs=epochs, **settings), rounds=30, warmup_rounds=2
    )
    per(benchmark, epochs, "epoch")


@pytest.mark.benchmark(group="one epoch of 65,536 samples, by hidden units")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden_size", [2, 8, 32])
def test_large_batch(benchmark: Any, hidden_size: int, dtype: str) -> None:
    X, y = (a.astype(dtype) for a in batch(65_536))
    settings = {"hidden_size": hidden_size, "dtype": dtype, "learning_rate": 1e-5}
    check(X[:3000], y[:3000], epochs=3, **settings)
    check(X, y, epochs=1, **settings)
    epochs = 200 // hidden_size  # checking and copying the data take as long as one
    benchmark.pedantic(
        lambda: fastxor.train(X, y, epochs=epochs, **settings), rounds=7, warmup_rounds=1
    )
    per(benchmark, epochs * len(X), "sample")


@pytest.mark.benchmark(group="compiling a new size")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=DTYPES)
@pytest.mark.parametrize("sizes", [(2, 2, 1), (8, 33, 3), (64, 32, 10)], ids=str)
@pytest.mark.parametrize("n", [4, 65_536])
def test_compile(
    benchmark: Any, n: int, sizes: tuple[int, int, int], dtype: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    fastxor.train(*XOR, epochs=1)  # what Numba sets up once
    build = kernels.kernel_for

    def fresh() -> None:
        for cached in (kernels._small_batch, kernels._tiled_batch):
            cached.cache_clear()

    import numba.core.caching as caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])  # nothing from the disk
    benchmark.pedantic(lambda: build(dtype, *sizes, n, False), setup=fresh, rounds=3)
    fresh()


@pytest.mark.benchmark(group="a new process, up to the end of its script")
@pytest.mark.parametrize(
    "script",
    [
        "pass",
        "import numpy",
        "import numba",
        "import fastxor",
        "import fastxor; fastxor.train(*fastxor.xor())",
    ],
)
def test_process(benchmark: Any, script: str) -> None:
    benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-c", script], check=True),
        rounds=9,
        warmup_rounds=1,
    )
