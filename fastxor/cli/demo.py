"""``fastxor`` alone: the tutorial's XOR network trained three ways, side by side."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from fastxor import data, textbook
from fastxor.agreement import Agreement, compare
from fastxor.benchmarking.machine import describe, machine_info
from fastxor.common.checks import Array
from fastxor.kernels.faster import special_kernels_at_once
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_network
from fastxor.training.single import train

EPOCHS = 10_000
SEED_42 = """With seed 42 the network does NOT learn XOR: two of its four answers are wrong, in the
tutorial's own code too, and more epochs do not help. Another seed does:
    fastxor train --seed 43
or more hidden units:
    fastxor train --hidden-size 4"""
T = TypeVar("T")


def three_ways(progress: bool) -> int:
    """Train, print the table; 0 if reference and kernel agree to the last bit, else 1."""
    X, y = data.xor()
    start = starting_network(42, Architecture.of((2, 2, 1)), np.float64)
    weights = start.W1, start.b1, start.W2, start.b2
    (parameters, tutorial_losses), tutorial_seconds = _timed(
        lambda: textbook.train(X, y, weights, epochs=EPOCHS), 2
    )
    _, general_seconds = _timed(lambda: train(X, y, epochs=1), 1)
    with special_kernels_at_once():
        _, special_seconds = _timed(lambda: train(X, y, epochs=1), 1)
    _, fast_seconds = _timed(lambda: train(X, y, epochs=EPOCHS), 20)
    agreement, both_seconds = _timed(
        lambda: compare(X, y, show=False, epochs=EPOCHS, progress=progress), 1
    )
    reference_seconds = both_seconds - fast_seconds  # it trains with both

    columns: dict[str, tuple[Any, Network, float]] = {
        "tutorial (NumPy)": (tutorial_losses, Network(*parameters), tutorial_seconds),
        "reference (NumPy)": (
            agreement.reference.losses, agreement.reference.network, reference_seconds,
        ),
        "fastxor (kernel)": (agreement.fast.losses, agreement.fast.network, fast_seconds),
    }  # fmt: skip
    console = Console(highlight=False)
    console.print(describe(machine_info()))
    console.print(_table(columns, X))
    ready = _duration(general_seconds), _duration(special_seconds)
    print(_remarks(agreement, tutorial_seconds / fast_seconds, *ready))
    return 0 if agreement.agree else 1


def _timed(call: Callable[[], T], repeats: int) -> tuple[T, float]:
    """The result and the shortest time: what disturbs a measurement only adds to it."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return result, min(seconds)


def _table(columns: dict[str, tuple[Any, Network, float]], X: Array) -> Table:
    title = f"XOR, 2 hidden units, seed 42, learning rate 0.1, {EPOCHS:,} epochs, float64"
    table = Table(title=title, title_style="bold", title_justify="left")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    runs = list(columns.values())
    for epoch in range(0, EPOCHS, EPOCHS // 10):
        table.add_row(f"Epoch {epoch}, Loss", *(f"{losses[epoch]:.5f}" for losses, _, _ in runs))
    table.add_section()
    for inputs in X:
        outputs = [network.predict_proba(inputs[None]).item() for _, network, _ in runs]
        left, right = inputs
        table.add_row(
            f"{left} XOR {right}", *(f"{output:.4f}  {int(output > 0.5)}" for output in outputs)
        )
    table.add_section()
    table.add_row("time", *(_duration(seconds) for _, _, seconds in runs))
    table.add_row("time per epoch", *(_duration(seconds / EPOCHS) for _, _, seconds in runs))
    table.add_row("speed", *(_times(runs[0][2] / seconds) for _, _, seconds in runs))
    return table


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _remarks(agreement: Agreement, ratio: float, general: str, special: str) -> str:
    return (
        f"{agreement}\n\n"
        f"fastxor is {ratio:,.0f} times as fast as the tutorial. The kernel with which training "
        f"begins\nwas ready in {general}, that of this size in {special}: compiled on first use, "
        f"from then on\nloaded from a cache on disk.\n\n{SEED_42}"
    )
