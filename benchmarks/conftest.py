"""Versions in the JSON; and with --benchmark-disable, only what takes a moment."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from benchmarks.peers import MODULES
from fastxor.benchmarking.machine import PACKAGES, machine_info
from fastxor.kernels.faster import special_kernels_at_once

DISTRIBUTIONS = {"PyTorch": "torch", "scikit-learn": "scikit-learn"}


def pytest_benchmark_update_machine_info(config: Any, machine_info: dict[str, Any]) -> None:
    machine_info |= info()


def info() -> dict[str, Any]:
    peers = {name: DISTRIBUTIONS.get(name, module) for name, module in MODULES.items()}
    del peers["JAX vmap"]
    return machine_info(PACKAGES | peers | {"optax": "optax"})


@pytest.fixture(autouse=True)
def kernels_made_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is timed does not change its kernel on the way."""
    disabled = request.config.option.benchmark_disable
    with nullcontext() if disabled else special_kernels_at_once():
        yield


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    if config.option.benchmark_disable:
        large = [item for item in items if "large" in item.keywords]
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if item not in large]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "large: left out of a run with --benchmark-disable")
    config.addinivalue_line("filterwarnings", "default")  # the peers' warnings are not ours
