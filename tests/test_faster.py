"""Special kernels that take over from general ones: when, and to the same bits."""

import itertools
import threading

import numpy as np
import pytest

import fastxor
from fastxor.agreement import digest
from fastxor.kernels import faster
from fastxor.training import crew, engine, job
from tests import golden
from tests.test_golden import DIGESTS

COMPILING = faster.COMPILING  # which is infinite in tests


def there_from(look, monkeypatch):
    """Let special kernels be there when they are looked for so many times.

    Returns a list that gets one when it is found.
    """
    looks, found = itertools.count(1), []

    def kernel(self):
        if next(looks) < look:
            return None
        if self._kernel is None:
            self.make()
        found[:] = [self._kernel]
        return self._kernel

    monkeypatch.setattr(faster.Faster, "kernel", property(kernel))
    return found


def used(monkeypatch):
    """The names of the kernels that are used from now on, one after another."""
    names, use = [], engine.Engine._use

    def noted(self, kernel):
        names.append(kernel.code.name.split("-")[0])
        use(self, kernel)

    monkeypatch.setattr(engine.Engine, "_use", noted)
    return names


# in slices of one chunk: the tenth is in the middle of an epoch or batch
@pytest.mark.parametrize(
    ("name", "special"),
    [
        ("xor", "small"),
        ("batches of 3", "small"),
        ("batches of 1, shuffled", "small"),
        ("deep, 3 samples", "small"),
        ("seven samples", "small"),
        ("deep, batches of 9", "tiled"),
        ("3000 samples", "tiled"),
        ("batches of 1500, shuffled", "tiled"),
        ("no biases, batches of 16, shuffled", "tiled"),
    ],
)
def test_a_run_that_is_taken_over(name, special, monkeypatch):
    there_from(9, monkeypatch)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    monkeypatch.setattr(job, "SLICE", 0)
    names = used(monkeypatch)
    assert digest(golden.run(fastxor.train, name, np.float64)) == DIGESTS[f"{name}, float64"]
    assert names == ["general", special]


@pytest.mark.parametrize(("n", "kernel"), [(5000, "tiled"), (500, "pair")])
def test_threads_are_taken_over(n, kernel, monkeypatch):
    X, y = np.random.default_rng(0).random((n, 3)), np.zeros((n, 1))
    settings = {"epochs": 9, "learning_rate": 1e-4, "momentum": 0.5, "hidden_size": 4}
    expected = fastxor.train(X, y, **settings, threads=1)
    there_from(9, monkeypatch)
    monkeypatch.setattr(job, "FIRST_SLICE", 0)
    monkeypatch.setattr(job, "SLICE", 0)
    monkeypatch.setattr(engine, "SHARED_FROM", 0)
    monkeypatch.setattr(engine, "PAIR_FROM", 0)
    names = used(monkeypatch)
    assert digest(fastxor.train(X, y, **settings, threads=2)) == digest(expected)
    assert names == ["general", kernel]


@pytest.mark.parametrize("name", ["xor momentum", "deep, batches of 9", "curve, batches of 3"])
def test_many_that_are_taken_over(name, monkeypatch):
    found = there_from(5, monkeypatch)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    monkeypatch.setattr(crew, "SLICE", 0)
    *_, settings = (golden.CASES | golden.LAYERED)[name]
    rates = settings.get("learning_rate", 0.1) * np.array([0.5, 1.0, 2.0])
    others = {"learning_rate": rates, "tolerance": None, "record_every": 1}
    runs = golden.run(fastxor.train_many, name, np.float32, **others)
    assert [kernel.code.name.split("-")[0] for kernel in found] == ["stacked"]
    assert digest(runs[1]) == DIGESTS[f"{name}, float32"]


def compilers():
    return [thread for thread in threading.enumerate() if thread.name == "fastxor-compiler"]


class Kernel:
    """In place of a special one."""

    def __init__(self, on_disk=False):
        self.code, self.is_on_disk, self.made = self, on_disk, threading.Event()

    def make(self):
        self.made.set()


@pytest.mark.parametrize(
    ("on_disk", "trained", "made"),
    [
        (False, [(0.25, 0.7)], False),
        (False, [(0.1, 1.0)], True),
        (False, [(0.45, 0.0), (0.45, 0.0), (0.05, 0.1)], True),
        (True, [(0.01, 0.05)], False),
        (True, [(0.01, 0.1)], True),
    ],
)
def test_made_only_where_it_pays(on_disk, trained, made, monkeypatch):
    """From disk for a tenth of a second of training, compiled for one; of all calls together."""
    monkeypatch.setattr(faster, "COMPILING", COMPILING)
    kernel = Kernel(on_disk)
    one = faster.Faster(lambda: kernel)
    for seconds, left in trained:
        assert one.kernel is None
        assert not kernel.made.is_set()
        one.worked(seconds, left)
    for thread in compilers():
        thread.join()
    assert kernel.made.is_set() == made
    assert one.kernel is (kernel if made else None)


def test_beside_a_real_training(monkeypatch):
    """It ends with the bits of one that was never taken over."""
    X, y = fastxor.xor()
    expected = fastxor.train(X, y, hidden_size=3, epochs=5000)
    monkeypatch.setattr(faster, "LOADING", 0)
    monkeypatch.setattr(faster, "COMPILING", 0)
    faster.faster.cache_clear()
    for thread in compilers():  # of other tests
        thread.join()
    run = fastxor.train(X, y, hidden_size=3, epochs=10)
    while compilers():
        run = fastxor.train(X, y, hidden_size=3, epochs=5000)
        assert digest(run) == digest(expected)
    names = used(monkeypatch)
    assert digest(fastxor.train(X, y, hidden_size=3, epochs=5000)) == digest(expected)
    assert names == ["small"], "it is there, for all that come"


def test_sizes_that_share_a_kernel_share_the_work_that_pays_for_it(monkeypatch):
    asked = set()
    monkeypatch.setattr(faster.Faster, "worked", lambda self, *seconds: asked.add(self))
    random = np.random.default_rng(0)
    for n in (2000, 2100, 3000):
        X = random.normal(size=(n, 3))
        fastxor.train(X, X[:, :1], epochs=3, threads=1, output="identity", learning_rate=1e-5)
    assert len(asked) == 1
