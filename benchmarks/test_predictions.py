"""What predictions cost: `Network.predict_proba` beside NumPy, JAX, PyTorch and scikit-learn.

Each is compared with fastxor's before it is timed, and that with the contract's, to the bit.
"""

import time
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers.predictions import PREDICTIONS, Prediction
from fastxor.benchmarking import cases
from fastxor.benchmarking.cases import Case
from fastxor.networks import predictions

ENGINES = ["reference", "fastxor", *(peer for peer in peers.installed() if peer in PREDICTIONS)]


def of_contract(case: Case) -> Prediction:
    X, network = case.data()[0], case.start
    outputs = np.empty((1, case.n, case.sizes[-1]), case.dtype)

    def predict() -> Any:
        predictions._by_contract(network.numbers[None], network.architecture, X, outputs)
        return outputs[0]

    return predict


def variants(engine: str, case: Case) -> dict[str, Prediction]:
    if engine == "reference":
        return {"": of_contract(case)}
    if engine == "fastxor":
        X, network = case.data()[0], case.start
        return {"": lambda: network.predict_proba(X)}
    return PREDICTIONS[engine](case)


def seconds_of(predict: Prediction) -> float:
    """The shortest of some calls, after one that compiles."""
    predict()
    times: list[float] = []
    while len(times) < 2 or (sum(times) < 0.2 and len(times) < 200):
        began = time.perf_counter()
        predict()
        times.append(time.perf_counter() - began)
    return min(times)


@cache
def checked(case: Case, engine: str) -> str:
    expected = of_contract(case)()
    for label, predict in variants(engine, case).items():
        outputs = predict()
        if engine in ("reference", "fastxor"):
            assert outputs.tobytes() == expected.tobytes()
        elif not np.allclose(outputs, expected, rtol=1e3 * np.finfo(case.dtype).eps, atol=0):
            raise AssertionError(
                f"{case}, {label}: outputs differ by {abs(outputs - expected).max()}"
            )
    if engine == "reference":
        return "all others are compared with it"
    return "bits" if engine == "fastxor" else "outputs within 1,000 units in the last place"


@pytest.mark.benchmark(group="predictions")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=[pytest.mark.large] * (case.n > 4))
        for case in cases.PREDICTIONS
    ],
)
def test_predictions(benchmark: Any, case: Case, engine: str) -> None:
    said, found = checked(case, engine), variants(engine, case)
    if benchmark.disabled:
        benchmark(next(iter(found.values())))
        return
    times = {label: seconds_of(predict) for label, predict in found.items()}
    label = min(times, key=times.__getitem__)
    iterations = max(1, int(0.005 / times[label]))
    rounds = int(min(50, max(3, 0.5 / times[label] / iterations)))
    benchmark.pedantic(found[label], rounds=rounds, iterations=iterations, warmup_rounds=1)
    stats = benchmark.stats.stats
    benchmark.extra_info |= cases.record(
        "predictions", engine, case, 1, (stats.min, stats.median), variant=label, checked=said
    )
