"""What a store and an executor cost: ``python -m benchmarks.sweeps`` takes two minutes.

Each way trains the same XOR networks with all cores; all are tried in turn, several times, and
the shortest time of each counts. From these: what a thousand million networks would take.
"""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fastxor import Runs, train_many, xor
from fastxor.benchmarking.machine import describe, machine_info
from fastxor.common.cores import cores

NETWORKS, EPOCHS, ROUNDS = 2**16, 10_000, 4
MANY = 10**9
X, Y = xor()


def main() -> None:
    console = Console(highlight=False)
    console.print(describe(machine_info()))
    table = Table(title=f"{NETWORKS:,} XOR networks x {EPOCHS:,} epochs", title_justify="left")
    for title in ("dtype", "trained", "seconds", "ratio", "ns per epoch, network and core"):
        table.add_column(title, justify="left" if title in ("dtype", "trained") else "right")
    said = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores(), context) as executor:
        for dtype in ("float64", "float32"):
            times, stored = measured(dtype, executor)
            for way, seconds in times.items():
                each = seconds * cores() / NETWORKS / EPOCHS
                ratio = seconds / times["in memory"]
                table.add_row(dtype, way, f"{seconds:.2f}", f"{ratio:.3f}", f"{each * 1e9:.2f}")
            hours = times["processes, stored"] * cores() * MANY / NETWORKS / 3600
            said.append(
                f"{MANY:,} of them, {dtype}: {hours:.0f} hours of one such core, "
                f"{hours * 60 / 100:.0f} minutes of a hundred;\n"
                f"{stored * MANY / 1e9:.0f} GB stored, {stored:.0f} bytes for each network."
            )
    console.print(table)
    print("\n".join(said))


def measured(dtype: str, executor: Executor) -> tuple[dict[str, float], float]:
    """The shortest seconds of each way to train, and the bytes stored for each network."""
    call: dict[str, Any] = {"seed": np.arange(NETWORKS), "epochs": EPOCHS, "dtype": dtype}
    with TemporaryDirectory() as parent:
        folders = (Path(parent) / str(k) for k in range(100))
        ways: dict[str, Callable[[dict[str, Any]], Runs]] = {
            "in memory": lambda call: train_many(X, Y, **call),
            "stored": lambda call: train_many(X, Y, store=next(folders), **call),
            "processes": lambda call: train_many(X, Y, executor=executor, **call),
            "processes, stored": lambda call: train_many(
                X, Y, executor=executor, store=next(folders), **call
            ),
        }
        times = dict.fromkeys(ways, float("inf"))
        for number in range(ROUNDS + 1):  # the first compiles, in all processes
            for way, train in ways.items():
                began = time.perf_counter()
                runs = train(call | {"epochs": 1} if number == 0 else call)
                seconds = time.perf_counter() - began
                assert runs.done.all()
                if number:
                    times[way] = min(times[way], seconds)
        sizes = [file.stat().st_size for file in (Path(parent) / "1").iterdir()]
    return times, sum(sizes) / NETWORKS


if __name__ == "__main__":
    main()
