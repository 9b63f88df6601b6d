"""Digests that must never change: the same on every machine, now and later."""

import json

import numpy as np
import pytest

import fastxor
from fastxor import reference
from fastxor.agreement import digest
from tests import golden

DIGESTS = json.loads(golden.FILE.read_text())["digests"]
NAMES = [*golden.CASES, *golden.LAYERED]


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("name", NAMES)
def test_digest(name, engine, dtype):
    assert digest(golden.run(engine.train, name, dtype)) == DIGESTS[f"{name}, {dtype.__name__}"]


@pytest.mark.parametrize("name", NAMES)
def test_digest_among_others(name, dtype):
    """One of several networks that are trained at once, with other rates beside it."""
    *_, settings = (golden.CASES | golden.LAYERED)[name]
    rate = settings.get("learning_rate", 0.1)
    others = {"learning_rate": rate * np.array([0.5, 1.0, 2.0]), "tolerance": None}
    runs = golden.run(fastxor.train_many, name, dtype, record_every=1, **others)
    assert digest(runs[1]) == DIGESTS[f"{name}, {dtype.__name__}"]


def test_every_digest_is_looked_at():
    assert len(DIGESTS) == len(set(DIGESTS.values())) == 2 * len(NAMES)
