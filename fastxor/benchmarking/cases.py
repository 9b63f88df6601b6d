"""What is measured: the cases of the benchmarks and of ``fastxor bench``, and the engines."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fastxor import agreement, reference, textbook
from fastxor.benchmarking.case import Case
from fastxor.common.checks import Array
from fastxor.runs.run import Run
from fastxor.sweeps.many import train_many
from fastxor.training import single as training

DTYPES = ("float64", "float32")
EPOCHS = (100, 1_000, 10_000, 100_000)


def _each_dtype(*cases: tuple[Any, ...], **functions: Any) -> list[Case]:
    return [
        Case(n, sizes, dtype, batch_size, **functions)
        for n, sizes, batch_size in cases
        for dtype in DTYPES
    ]


XOR = _each_dtype((4, (2, 2, 1), None))
HIDDEN_SIZES = (2, 8, 32, 128)
FULL_BATCHES = _each_dtype(
    *((4**k, (2, H, 1), None) for H in HIDDEN_SIZES for k in range(9))  # 1 to 65,536 samples
)
MINI_BATCHES = _each_dtype(
    *((65_536, (2, H, 1), size) for H in (2, 32) for size in (1, 16, 64, 256, 1024, 4096))
)
# as many samples as iris, breast cancer and digits have
TABLES = _each_dtype(
    *(
        (n, sizes, batch_size)
        for n, sizes in ((150, (4, 8, 3)), (569, (30, 16, 1)), (1797, (64, 32, 10)))
        for batch_size in (None, 32)
    )
)
CLASSES: dict[str, Any] = {"activation": "relu", "output": "softmax", "loss": "log_loss"}
SAMPLES = (4, 64, 1_024, 65_536)
DEEP = [
    *_each_dtype(*((n, (2, 8, 8, 1), None) for n in SAMPLES), activation="tanh"),
    *_each_dtype(*((n, (2, 16, 16, 1), None) for n in SAMPLES), activation="relu"),
    *_each_dtype(
        *((150, (4, 32, 16, 3), size) for size in (None, 32)),
        *((1797, (64, 32, 32, 10), size) for size in (None, 32)),
        **CLASSES,
    ),
    *_each_dtype((1_000, (1, 64, 64, 1), None), activation="tanh", output="identity"),
]
PREDICTIONS = [
    *_each_dtype(*((n, (2, 2, 1), None) for n in (4, 100_000)), (569, (30, 16, 1), None)),
    *_each_dtype((65_536, (2, 16, 16, 1), None), activation="tanh"),
    *_each_dtype((1797, (64, 32, 32, 10), None), **CLASSES),
]
ADAM = [
    *_each_dtype((4, (2, 2, 1), None), (65_536, (2, 32, 1), 32), optimizer="adam"),
    *(replace(case, optimizer="adam") for case in TABLES),
    *_each_dtype((1797, (64, 32, 32, 10), 32), **CLASSES, optimizer="adam"),
]
NETWORKS = (64, 1_024, 16_384, 131_072)
MANY = [replace(case, networks=count) for count in NETWORKS for case in XOR]
MANY_DEEP = [
    replace(case, networks=count)
    for case in (
        *_each_dtype((4, (2, 4, 4, 1), None), activation="tanh"),
        *_each_dtype(
            *((n, (16, 16, 1), None) for n in (1, 16)),
            activation="tanh", output="identity", bias=False,
        ),
    )
    for count in (64, 4_096)
]  # fmt: skip

MANY_ADAM = [
    replace(case, optimizer="adam")
    for case in (*MANY[2:4], *(case for case in MANY_DEEP if case.networks == 4_096))
]

TOLERANCE = {"float64": 1e-12, "float32": 5e-5}
"""Relative difference of a loss that rounding may make in a few epochs, on any of the cases."""

Training = Callable[[], Array]
"""Trains from the start, returns the losses of all epochs."""


def _textbook(case: Case, epochs: int) -> Training:
    X, y = case.data()
    W1, b1, W2, b2 = case.start.arrays
    start = W1, b1, W2, b2
    rate = np.dtype(case.dtype).type(case.learning_rate)
    return lambda: np.array(textbook.train(X, y, start, epochs=epochs, learning_rate=rate)[1])


def _contract(engine: Any) -> Callable[..., Training]:
    def prepare(case: Case, epochs: int, threads: int | None = None) -> Training:
        X, y = case.data()
        settings = case.settings | {"initial": case.start, "epochs": epochs, "threads": threads}
        return lambda: engine.train(X, y, **settings).losses

    return prepare


ENGINES: dict[str, Callable[..., Training]] = {
    "textbook": _textbook,
    "reference": _contract(reference),
    "fastxor": _contract(training),
}
"""Each makes a `Training` for a case and a number of epochs, ready to be timed.

The textbook trains by full batches only, and the tutorial's networks only.
"""


def many(case: Case, epochs: int, **settings: Any) -> Training:
    """Likewise, of many networks: the last losses. Seeds are part of the work."""
    X, y = case.data()
    call: dict[str, Any] = {
        "seed": np.arange(case.networks or 1), "epochs": epochs, "tolerance": None,
    }  # fmt: skip
    call |= case.settings_of_many
    return lambda: train_many(X, y, **call | settings).final_loss


def check_bits_of_many(case: Case) -> str:
    """Compare some of the networks with the reference, likewise."""
    X, y = case.data()
    call: dict[str, Any] = case.settings_of_many | {"epochs": 20, "tolerance": 0.5}
    runs = train_many(X, y, seed=np.arange(case.networks or 1), record_every=1, **call)
    for seed in range(0, len(runs), max(1, len(runs) // 4)):
        expected, run = reference.train(X, y, seed=seed, **call), runs[seed]
        assert isinstance(run, Run)
        if names := agreement.differing(run, expected):
            raise AssertionError(f"{case}: network {seed} differs in {names}")
    return "bits"


def check_bits(case: Case) -> str:
    """Compare reference and kernel, every bit; of fewer samples and epochs than are measured.

    Raises AssertionError where they differ.
    """
    case, epochs = case.small()
    result = agreement.compare(
        *case.data(), show=False, initial=case.start, epochs=epochs, **case.settings
    )
    if not result.agree:
        raise AssertionError(f"{case}: {result}")
    return "bits"


def check_losses(case: Case, prepare: Callable[[Case, int], Training]) -> str:
    """Compare losses with the reference's, within `TOLERANCE`, likewise."""
    case, epochs = case.small()
    losses, expected = prepare(case, epochs)(), ENGINES["reference"](case, epochs)()
    difference = float(np.abs(losses / expected - 1).max())
    if not difference <= TOLERANCE[case.dtype]:
        raise AssertionError(f"{case}: losses differ by {difference:.1e}")
    return f"losses within {TOLERANCE[case.dtype]:g}"


def record(
    table: str, engine: str, case: Case, epochs: int, seconds: tuple[float, float], **more: Any
) -> dict[str, Any]:
    """What the report needs to know of a measurement: the shortest and the median ``seconds``.

    They are told per epoch in the table "epochs", per epoch and network in those of many
    networks, and per sample in all others.
    """
    per, count = ("epoch", epochs) if table == "epochs" else ("sample", epochs * case.n)
    if case.networks:
        per, count = "epoch and network", epochs * case.networks
    shortest, median = (time / count * 1e9 for time in seconds)
    return {
        "table": table, "engine": engine, "variant": "", "sizes": "-".join(map(str, case.sizes)),
        "functions": case.functions, "dtype": case.dtype, "n": case.n,
        "batch_size": case.batch_size, "epochs": epochs,
        "threads": None, "networks": case.networks, "ns": shortest, "ns_median": median,
        "per": per, "checked": "not checked",
    } | more  # fmt: skip
