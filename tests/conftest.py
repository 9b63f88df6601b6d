"""What several tests share: exact data, and comparison to the bit."""

import math
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from fastxor import Network, Run
from fastxor.agreement import differing
from fastxor.cli.main import main
from fastxor.kernels import faster
from fastxor.kernels.faster import special_kernels_at_once
from fastxor.training import crew, job

# compiling a kernel takes half a second, which is no reason to fail
settings.register_profile("fastxor", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("fastxor")

# a shell has its background jobs ignore Ctrl-C, and with it their children
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--special", action="store_true", help="train with special kernels at once")


@pytest.fixture(autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """General ones, as of short trainings; with ``--special`` those that long ones end with."""
    monkeypatch.setattr(faster, "COMPILING", math.inf)  # not where a busy machine takes long
    with special_kernels_at_once() if request.config.getoption("--special") else nullcontext():
        yield


FLOATS = [np.float64, np.float32]


@pytest.fixture(params=FLOATS, ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def samples(n: int, inputs: int, outputs: int, seed: int = 0) -> tuple[Any, Any]:
    """Random X in [-2, 2) and y in [0, 1), the same on every machine."""
    random = np.random.default_rng(seed)
    return random.random((n, inputs)) * 4 - 2, random.random((n, outputs))


def weights(inputs: int, hidden: int, outputs: int, seed: int = 0, scale: float = 2.0) -> Network:
    """Random weights and biases in [-scale, scale), the same on every machine."""
    random = np.random.default_rng(seed)
    shapes = [(inputs, hidden), (1, hidden), (hidden, outputs), (1, outputs)]
    return Network(*((random.random(shape) * 2 - 1) * scale for shape in shapes))


@contextmanager
def interrupting_bar(*_: Any) -> Iterator[Any]:
    """In place of a progress bar: Ctrl-C as soon as something is done."""

    def report(done: float) -> None:
        if done:
            raise KeyboardInterrupt

    yield report


def assert_same_bits(a: Run, b: Run) -> None:
    assert a.settings.dtype == b.settings.dtype
    assert len(a.losses) == len(b.losses)
    assert differing(a, b) == []


def in_new_process(code: str, *options: str, **environment: str) -> str:
    """What a Python program prints; ``options`` of the interpreter."""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)], cwd=root,
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """The one line in which the command line says what is wrong."""
    try:
        status = main([*map(str, arguments)])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("fastxor")
    assert err.count("\n") == 1
    return err


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an epoch, or of less."""
    for module in (job, crew):
        monkeypatch.setattr(module, "FIRST_SLICE", 0)
        monkeypatch.setattr(module, "SLICE", 0)
    monkeypatch.setattr(crew, "AT_ONCE", 0)
