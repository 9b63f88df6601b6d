"""A network for each group, on its own samples: ``python -m benchmarks.groups`` takes some minutes.

4-8-1, tanh and a linear output, 200 epochs of Adam by full batches in float32: fastxor's
``train_many(groups=...)`` beside JAX in an expert's hands, which has blocks of networks side by
side (the fastest of several ways), and a loop over scikit-learn's estimator. Losses of JAX must be
fastxor's within rounding. The shortest time of several rounds counts. Draws
``benchmarks/plots/groups.png``.
"""

import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks.peers import groups_with_jax
from fastxor import train_many
from fastxor.benchmarking.cases import Case
from fastxor.benchmarking.charts import STYLES
from fastxor.benchmarking.machine import describe
from fastxor.common.checks import Array
from fastxor.kernels.faster import special_kernels_at_once

EPOCHS, ROUNDS, SAMPLES = 200, 2, 60_000
SIZES = (10, 50, 200, 1000)
MANY, OF_MANY = 100_000, 50  # groups, and samples of each
FEW = 8  # of scikit-learn's
PLOT = Path(__file__).parent / "plots" / "groups.png"
CALL: dict[str, Any] = {
    "hidden_size": 8, "activation": "tanh", "output": "identity", "optimizer": "adam",
    "learning_rate": 0.001, "dtype": "float32", "tolerance": None,
}  # fmt: skip


def main() -> None:
    from benchmarks.conftest import info

    console = Console(highlight=False, width=100)
    console.print(describe(info()))
    table = Table(title=f"4-8-1 tanh, Adam, float32, {EPOCHS} epochs", title_justify="left")
    for title in ("groups", "samples each", "fastxor", "JAX by hand", "scikit-learn, a loop"):
        table.add_column(title, justify="right")
    times: dict[str, list[float]] = {"fastxor": [], "JAX by hand": [], "scikit-learn": []}
    sizes = [(SAMPLES // n // 512 * 512 or 512, n) for n in SIZES]
    with special_kernels_at_once():
        for groups, n in [*sizes, (MANY // 512 * 512, OF_MANY)]:
            found = measured(groups, n)
            each = [seconds / groups / n / EPOCHS * 1e9 for seconds in found]
            for name, value in zip(times, each, strict=True):
                times[name].append(value)
            cells = [f"{s:.3g} s, {e:.3g} ns" for s, e in zip(found, each, strict=True)]
            ratios = ["", *(f" ({other / found[0]:.3g}x)" for other in found[1:])]
            table.add_row(f"{groups:,}", str(n), *map("".join, zip(cells, ratios, strict=True)))
        console.print(table)
        print("ns: for each sample and epoch; s of scikit-learn: of as many groups as these.")
        print(unequal())
        print(memory())
    draw([n for _, n in sizes], {name: values[:-1] for name, values in times.items()})


_fastest: dict[int, str] = {}  # of JAX's ways, for so many samples


def data(groups: int, n: int) -> tuple[Array, Array, Array]:
    """X (groups * n, 4), y and labels."""
    random = np.random.default_rng(0)
    X = random.normal(size=(groups * n, 4)).astype(np.float32)
    y = np.sin(X.sum(axis=1, keepdims=True)).astype(np.float32)
    return X, y, np.repeat(np.arange(groups), n)


def measured(groups: int, n: int) -> tuple[float, float, float]:
    """Seconds of fastxor, of JAX, and of scikit-learn, as if it had done them all.

    Of so many that JAX takes long, by that of its ways that is fastest for fewer.
    """
    X, y, labels = data(groups, n)
    case = Case(
        n, (4, 8, 1), "float32", networks=groups, activation="tanh", output="identity",
        optimizer="adam",
    )  # fmt: skip
    call = case.settings_of_many | {"seed": np.arange(groups), "tolerance": None}

    def ours(epochs: int = EPOCHS) -> Any:
        return train_many(X, y, groups=labels, **call | {"epochs": epochs}).final_loss

    ours(2)
    seconds = best(ours)
    shape = groups, n, -1
    ways = groups_with_jax.by_hand(case, X.reshape(shape), y.reshape(shape), EPOCHS)
    ways = {label: way for label, way in ways.items() if label == _fastest.get(n, label)}
    expected = ours()
    theirs = np.inf
    for label, way in ways.items():
        losses = way()
        off = float(np.median(np.abs(losses - expected) / expected))
        if not off < 1e-3:
            raise AssertionError(f"{groups} groups of {n}, {label}: losses differ by {off:.1e}")
        seconds_of_it = best(way)
        if seconds_of_it < theirs:
            theirs, _fastest[n] = seconds_of_it, label
    return seconds, theirs, best(lambda: scikit_learn(X, y, n)) * groups / FEW


def scikit_learn(X: Array, y: Array, n: int) -> None:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for k in range(FEW):
            own = slice(k * n, (k + 1) * n)
            MLPRegressor(
                hidden_layer_sizes=(8,), activation="tanh", batch_size=n, max_iter=EPOCHS, tol=0,
                shuffle=False, n_iter_no_change=EPOCHS, random_state=k,
            ).fit(X[own], y[own].ravel())  # fmt: skip


def best(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def unequal(groups: int = 2_000, most: int = 10_000) -> str:
    """What groups of 1 to 10,000 samples cost beside as many samples in groups of equal size."""
    random = np.random.default_rng(0)
    sizes = np.exp(random.uniform(0, np.log(most + 1), groups)).astype(int).clip(1, most)
    n = int(sizes.mean())
    (X, y, _), call = data(groups, n + 1), CALL | {"epochs": EPOCHS}
    both = []
    for own in (np.full(groups, n), sizes):
        labels = np.repeat(np.arange(groups), own)
        given = X[: len(labels)], y[: len(labels)]
        train_many(*given, groups=labels, **call | {"epochs": 2})
        each = best(lambda given=given, labels=labels: train_many(*given, groups=labels, **call))
        both.append(each / len(labels))
    return (
        f"{groups:,} groups of 1 to {most:,} samples, evenly spread on a logarithmic scale: "
        f"{both[1] / both[0]:.2f} times as\nlong, for each sample, as groups of {n} each."
    )


def memory() -> str:
    X, y, labels = data(MANY, OF_MANY)
    given = X.nbytes + y.nbytes + labels.nbytes
    tracemalloc.start()
    runs = train_many(X, y, groups=labels, **CALL | {"epochs": 1})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = sum(array.nbytes for array in runs.state.values())
    return (
        f"{MANY:,} groups of {OF_MANY}: samples and labels {given / 1e6:.0f} MB, beside them at "
        f"most {peak / 1e6:.0f} MB,\nof which {result / 1e6:.0f} MB are the result."
    )


def draw(sizes: list[int], times: dict[str, list[float]]) -> None:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.add_subplot()
    for name, values in times.items():
        colour, mark = next(look for engine, look in STYLES.items() if name.startswith(engine))
        ax.loglog(sizes, values, marker=mark, color=colour, label=name)
    ax.set_xticks(sizes, [f"{n:,}" for n in sizes], minor=False)
    ax.minorticks_off()
    ax.set(xlabel="samples of each group", ylabel="ns for each sample and epoch")
    ax.grid(alpha=0.3)
    ax.legend()
    figure.savefig(PLOT, dpi=110)


if __name__ == "__main__":
    main()
