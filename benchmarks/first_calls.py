"""What one waits for: ``python -m benchmarks.first_calls ENGINE``, a process that trains twice.

It prints the time at the end of the first training, and the seconds of the second, of another size.
Each is of 100 epochs, by the way that the engine's users find first.
"""

import sys
import time

from benchmarks import peers
from fastxor.benchmarking.case import Case
from fastxor.benchmarking.cases import ENGINES, Training

CASES = Case(4, (2, 2, 1)), Case(64, (2, 8, 8, 1), activation="tanh")
EPOCHS = 100


def first_training(engine: str, case: Case) -> Training:
    if engine in ENGINES:
        return ENGINES[engine](case, EPOCHS)
    return next(iter(peers.variants(engine, case, EPOCHS).values()))


if __name__ == "__main__":
    engine = sys.argv[1]
    first_training(engine, CASES[0])()
    ended = time.time()
    began = time.perf_counter()
    first_training(engine, CASES[1])()
    print(ended, time.perf_counter() - began)
