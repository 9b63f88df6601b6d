"""Digests that must never change: the same on every machine, now and later."""

import json

import pytest

import fastxor
from fastxor import reference
from fastxor.agreement import digest
from tests import golden

DIGESTS = json.loads(golden.FILE.read_text())["digests"]


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
@pytest.mark.parametrize("name", golden.CASES)
def test_digest(name, engine, dtype):
    assert digest(golden.run(engine, name, dtype)) == DIGESTS[f"{name}, {dtype.__name__}"]


def test_every_digest_is_looked_at():
    assert len(DIGESTS) == len(set(DIGESTS.values())) == 2 * len(golden.CASES)
