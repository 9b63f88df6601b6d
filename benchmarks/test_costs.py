"""What comes on top of training: the call, compiling a new size, a new process."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import fastxor
from fastxor.benchmarking import cases
from fastxor.kernels import small, stacked, tiled
from fastxor.kernels.choice import special_kernel
from fastxor.kernels.compiling import ALONE, BLOCKS, WATCH, Wanted
from fastxor.networks.architecture import Architecture

XOR = fastxor.xor()
SIZES, LARGE = ((2, 8, 8, 8, 1), (8, 33, 3), (64, 32, 10)), pytest.mark.large


@pytest.mark.benchmark(group="XOR: the call without its epochs")
def test_overhead(benchmark: Any) -> None:
    fastxor.train(*XOR, epochs=1)
    benchmark(lambda: fastxor.train(*XOR, epochs=1))


@pytest.mark.benchmark(group="1,000 epochs of 64 samples, and of as many that are held out")
@pytest.mark.parametrize("every", [None, 1, 10], ids=["none", "each epoch", "every tenth"])
@pytest.mark.parametrize("sizes", [(2, 8, 1), (30, 16, 1)], ids=str)
def test_validation(benchmark: Any, sizes: tuple[int, ...], every: int | None) -> None:
    """A forward pass takes 0.5 to 0.65 times as long as an epoch, the more activations the more."""
    random = np.random.default_rng(0)
    samples = random.random((2, 64, sizes[0])), random.random((2, 64, 1))
    (X, X_held_out), (y, y_held_out) = samples
    settings = {"hidden_size": sizes[1], "epochs": 1000, "learning_rate": 1e-3, "threads": 1}
    if every:
        settings |= {"validation": (X_held_out, y_held_out), "validate_every": every}
    benchmark(lambda: fastxor.train(X, y, **settings))


@pytest.fixture
def compiled_anew(monkeypatch: Any) -> None:
    """Numba is set up, and no kernel comes from the disk or stays there."""
    fastxor.train(*XOR, epochs=1)
    from fastxor.kernels import kernel_files

    monkeypatch.setattr(kernel_files, "_folders", lambda: iter(()))


@pytest.mark.benchmark(group="compiling a new size")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=cases.DTYPES)
@pytest.mark.parametrize(
    "sizes", [(2, 2, 1), *(pytest.param(s, marks=LARGE) for s in SIZES)], ids=str
)
@pytest.mark.parametrize(
    ("batch_size", "shared"),
    [
        (4, False),
        pytest.param(32, False, marks=LARGE),
        (65_536, False),
        pytest.param(65_536, True, marks=LARGE),
    ],
)
def test_compile(
    benchmark: Any, batch_size: int, shared: bool, sizes: Any, dtype: Any, compiled_anew: None
) -> None:
    def fresh() -> None:
        small.small_batch.cache_clear()
        tiled.tiled_batch.cache_clear()

    layers = Architecture.of(sizes).layers
    sharing = BLOCKS if shared else ALONE
    made_by, *arguments = special_kernel(dtype, layers, batch_size, True, sharing, Wanted())
    benchmark.pedantic(lambda: made_by(*arguments).code.make(), setup=fresh, rounds=3)
    fresh()


@pytest.mark.benchmark(group="compiling a new size, for many networks")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=cases.DTYPES)
@pytest.mark.parametrize(
    "sizes", [(2, 2, 1), *(pytest.param(s, marks=LARGE) for s in SIZES[:2])], ids=str
)
def test_compile_stacked(benchmark: Any, sizes: Any, dtype: Any, compiled_anew: None) -> None:
    layers, wanted = Architecture.of(sizes).layers, Wanted(watch=WATCH)
    benchmark.pedantic(
        lambda: stacked.stacked_batch(dtype, layers, 4, True, wanted).code.make(),
        setup=stacked.stacked_batch.cache_clear,
        rounds=3,
    )
    stacked.stacked_batch.cache_clear()


@pytest.mark.large
@pytest.mark.benchmark(group="compiling the general kernels")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=cases.DTYPES)
@pytest.mark.parametrize("kernel", [tiled, stacked], ids=["one network", "many networks"])
def test_compile_general(benchmark: Any, kernel: Any, dtype: Any, compiled_anew: None) -> None:
    benchmark.pedantic(
        lambda: kernel._general(dtype).make(), setup=kernel._general.cache_clear, rounds=3
    )
    kernel._general.cache_clear()


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
