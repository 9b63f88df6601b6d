"""Two threads that share a batch of up to 1,024 samples: the bits of the reference."""

import functools
import threading
from typing import Any

import numpy as np
import pytest

import fastxor
from fastxor import Interrupted, reference
from fastxor.kernels.compiling import CLAIMED, DONE, FINISHED, UPDATED
from fastxor.kernels.faster import special_kernels_at_once
from fastxor.training import engine, job
from tests.conftest import assert_same_bits, samples

TABLE: dict[str, Any] = {"hidden_size": 7, "momentum": 0.5}
DEEP: dict[str, Any] = {
    "hidden_size": (9, 5), "activation": ("relu", "tanh"), "output": "softmax", "loss": "log_loss",
    "init": "he",
}  # fmt: skip


@pytest.fixture(autouse=True)
def pairs(monkeypatch):
    """At once, and for as small batches as there are."""
    monkeypatch.setattr(engine, "PAIR_FROM", 0)
    monkeypatch.setattr(engine, "PAIR_SAMPLES", 9)
    with special_kernels_at_once():
        yield


@functools.cache
def data(n, outputs):
    X, y = samples(n, 9, outputs)
    return X, y / y.sum(axis=1, keepdims=True) if outputs > 1 else y


def compared(n, outputs, dtype, **settings):
    X, y = data(n, outputs)
    settings = {"epochs": 3, "learning_rate": 0.01, "dtype": dtype, "threads": 2} | settings
    run = fastxor.train(X, y, **settings)
    assert_same_bits(run, reference.train(X, y, **settings))
    return run


# of one tile for each thread, and of several; of odd numbers of samples, and of batches
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("n", "batch_size"),
    [(200, None), (201, 155), (511, 140), (1024, None), (1023, None), (2500, 1024), (2500, 999)],
)
def test_batches(n, batch_size, shuffle, dtype):
    compared(n, 1, dtype, batch_size=batch_size, shuffle=shuffle, **TABLE)


# fewer samples than a vector has, and a last batch of one, which leaves the other thread none
@pytest.mark.parametrize(("n", "batch_size"), [(9, None), (13, None), (23, 11), (28, 11)])
def test_few_samples(n, batch_size):
    compared(n, 1, np.float64, batch_size=batch_size, epochs=5, **TABLE)


@pytest.mark.parametrize("n", [150, 700])
def test_layers(n, dtype):
    compared(n, 3, dtype, **DEEP)
    compared(n, 3, dtype, **DEEP, batch_size=141, shuffle=True, momentum=0.5)


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("batch_size", [None, 140])
def test_solved(batch_size, stop):
    """An epoch somewhere on the way: both threads have to see all of their samples solved."""
    X, y = data(500, 1)
    settings = {"hidden_size": 7, "epochs": 12, "learning_rate": 0.01, "batch_size": batch_size}
    network = reference.train(X, y, **settings | {"epochs": 6}).network
    tolerance = float(np.abs(network.predict_proba(X) - y).max())
    settings |= {"tolerance": tolerance, "stop_when_solved": stop}
    run = fastxor.train(X, y, threads=2, **settings)
    assert 5 < run.solved_at < 9
    assert_same_bits(run, reference.train(X, y, **settings))


def test_slices_between_two_batches(monkeypatch):
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    compared(511, 1, np.float64, batch_size=140, shuffle=True, **TABLE)


@pytest.mark.parametrize("comes", [0, 1])
def test_a_thread_that_waits_for_ever_is_let_go(comes, monkeypatch):
    """Ctrl-C between the start of one thread and of the other: the run ends all the same."""
    advance = engine.Engine.advance

    def interrupted(self, chunks):
        if self.epoch < 3:
            return advance(self, 3)
        done = int(self.position[DONE])
        self.position[[CLAIMED, FINISHED, UPDATED]] = done + comes, done, done
        run = lambda: self.kernel.code.run(  # noqa: E731
            self.kernel.numbers, self.X, self.y, self.order, self.generator, self.n,
            self.batch_size, self.parameters, self.velocity, self.totals, self.work[comes],
            self.losses, self.position, *self.rates, 1,
        )  # fmt: skip
        self.pool.submit(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.Engine, "advance", interrupted)
    X, y = data(500, 1)
    with pytest.raises(Interrupted) as error:
        fastxor.train(X, y, threads=2, epochs=1000, learning_rate=0.01, **TABLE)
    assert len(error.value.run.losses) == 3
    assert not [t for t in threading.enumerate() if "ThreadPoolExecutor" in t.name]
