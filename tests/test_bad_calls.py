"""Random values for random arguments: each call is refused by name, or trains to finite numbers."""

import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import fastxor
from fastxor import Diverged, reference, train_many

X, Y = fastxor.xor()
NETWORK = fastxor.train(X, Y, epochs=0).network
STRANGE = [
    None, True, False, np.True_, 0, 1, -1, 2, 3, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
    2**64, -(2**63), 10**400, -(10**400), 0.0, -0.0, 0.5, 1.0, -1.5, 1e-310, 5e-324, 1e38, 1e39,
    1e308, math.inf, -math.inf, math.nan, 1j, "", "0.1", "randn", "uniform", "float32", "float64",
    "half", b"x", [], (), {}, set(), [1], [1, 2], [[1, 2], [3]], (1, 2, 3, 4), object(), int, len,
    np.float32(0.5), np.float64(math.nan), np.int8(-1), np.uint64(2**64 - 1), np.array(3),
    np.array([]), np.array([0.1, np.nan]), np.array([1, 2]), np.array(["a"]), np.zeros((0, 2)),
    np.array([None, 1]), np.datetime64("2020-01-01"), Decimal("0.1"), Decimal("sNaN"),
    Fraction(1, 3), np.ma.masked, np.ma.array([1, 2], mask=[0, 1]), NETWORK, slice(1), ...,
]  # fmt: skip
DATA = [
    X, Y, X * 1e308, X * 1e-320, X.astype(object), X.astype(bool), Y.ravel(), np.zeros((4, 0)),
    np.zeros((4, 2, 2)), np.full((4, 2), np.nan), -X, X.tolist(), np.vstack([X, X]),
]  # fmt: skip
OF_ONE = (
    "X", "y", "hidden_size", "epochs", "learning_rate", "momentum", "batch_size", "shuffle",
    "threads", "seed", "init", "init_range", "initial", "dtype", "tolerance", "stop_when_solved",
    "progress",
)  # fmt: skip
OF_MANY = (*OF_ONE, "record_every", "resume", "executor")
# values for which other kernels are compiled, or that take long, are left to other tests
LEFT_OUT = {
    "hidden_size": range(2, 2**31), "batch_size": range(1, 4), "epochs": range(4, 2**53),
    "threads": range(4, 100), "progress": range(1, 2),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("engine", [reference.train, fastxor.train, train_many])
def test_random_calls(engine):
    choose = random.Random(1)
    names = OF_MANY if engine is train_many else OF_ONE
    trained = 0
    for _ in range(20_000):
        call = {"X": X, "y": Y, "epochs": 2}
        for name in choose.sample(names, choose.randint(1, 3)):
            pool = DATA if name in ("X", "y") and choose.random() < 0.5 else STRANGE
            value = choose.choice(pool)
            integer = isinstance(value, (int, np.integer, np.bool_))
            if not (integer and int(value) in LEFT_OUT.get(name, ())):
                call[name] = value
        try:
            result = engine(**call)
        except (ValueError, TypeError, MemoryError) as error:
            named = any(name in str(error) for name in call)
            assert named, f"{error!r} of {call}"  # noqa: PT017
        except Diverged:
            pass
        else:
            trained += 1
            networks = result.networks if engine is train_many else result.network
            assert isinstance(result.settings.epochs, int)
            assert all(np.isfinite(array).all() for array in networks.arrays), call
    assert trained > 500
