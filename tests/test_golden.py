"""Digests that must never change: the same on every machine, now and later."""

import json

import numpy as np
import pytest

import fastxor
from fastxor import reference
from fastxor.agreement import digest
from fastxor.kernels.faster import special_kernels_at_once
from tests import golden

DIGESTS = json.loads(golden.FILE.read_text())["digests"]
NAMES = [*golden.CASES, *golden.LAYERED]


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("name", NAMES)
def test_digest(name, engine, dtype):
    assert digest(golden.run(engine.train, name, dtype)) == DIGESTS[f"{name}, {dtype.__name__}"]


def among_others(name, dtype):
    """One of several networks that are trained at once, with other rates beside it."""
    *_, settings = (golden.CASES | golden.LAYERED)[name]
    rate = settings.get("learning_rate", 0.1)
    others = {"learning_rate": rate * np.array([0.5, 1.0, 2.0]), "tolerance": None}
    return golden.run(fastxor.train_many, name, dtype, record_every=1, **others)[1]


@pytest.mark.parametrize("name", NAMES)
def test_digest_among_others(name, dtype):
    assert digest(among_others(name, dtype)) == DIGESTS[f"{name}, {dtype.__name__}"]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("xor", np.float64),  # small
        ("seven samples", np.float32),
        ("deep, 3 samples", np.float64),
        ("batches of 32, shuffled", np.float32),  # a batch is one value
        ("no biases, batches of 16, shuffled", np.float64),
        ("3000 samples", np.float64),  # tiles
        ("deep, batches of 40, shuffled", np.float32),
        ("adam, 4 samples", np.float64),
        ("adam, batches of 40, shuffled", np.float32),
        ("means, batches of 4", np.float32),
        ("held out, 5 samples", np.float64),
    ],
)
def test_digest_of_special_kernels(name, dtype):
    with special_kernels_at_once():
        run = golden.run(fastxor.train, name, dtype)
    assert digest(run) == DIGESTS[f"{name}, {dtype.__name__}"]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("xor momentum", np.float64),
        ("one sample", np.float32),
        ("relu, 9 samples", np.float32),
        ("deep, 3 samples", np.float64),
        ("adam, 4 samples", np.float32),
        ("means of adam, 9 samples", np.float64),
        ("held out, 1030 samples", np.float32),
    ],
)
def test_digest_of_special_kernels_among_others(name, dtype):
    with special_kernels_at_once():
        run = among_others(name, dtype)
    assert digest(run) == DIGESTS[f"{name}, {dtype.__name__}"]


def test_every_digest_is_looked_at():
    assert len(DIGESTS) == len(set(DIGESTS.values())) == 2 * len(NAMES)
