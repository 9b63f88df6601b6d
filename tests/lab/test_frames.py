"""Frames of pandas are arrays of numbers, whatever the types of their columns."""

import numpy as np
import pandas as pd
import pytest

import fastxor
from fastxor import Network, reference
from tests.conftest import assert_same_bits

ENGINES = pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
X, Y = fastxor.xor()
COLUMNS = {
    "Int64": pd.array([0, 0, 1, 1], "Int64"),
    "Float64": pd.array([0.0, 1.0, 0.0, 1.0], "Float64"),
    "boolean": pd.array([False, True, False, True], "boolean"),
    "bool": np.array([False, False, True, True]),
    "int": np.array([0, 1, 0, 1], np.int8),
    "object": np.array([0, 0, 1.0, True], object),
    "category": pd.Categorical([0, 1, 0, 1]),
}
FRAMES = [
    ("Int64", "Float64"), ("Int64", "boolean"), ("bool", "int"), ("object", "int"),
    ("bool", "boolean"), ("Int64", "category"), ("object", "Float64"),
]  # fmt: skip


@ENGINES
@pytest.mark.parametrize("names", FRAMES, ids="-".join)
@pytest.mark.parametrize("target", ["Int64", "boolean", "object", "int"])
def test_frames_are_taken(engine, names, target, dtype):
    expected = engine.train(X, Y[:, 0], epochs=3, dtype=dtype)
    frame = pd.DataFrame({f"{i} {name}": COLUMNS[name] for i, name in enumerate(names)})
    y = pd.Series(Y[:, 0]).astype(target)
    assert_same_bits(engine.train(frame, y, epochs=3, dtype=dtype), expected)
    assert_same_bits(engine.train(frame, y.to_frame(), epochs=3, dtype=dtype), expected)
    predicted = expected.network.predict_proba(frame)
    assert predicted.tobytes() == expected.network.predict_proba(X).tobytes()


def test_what_else_takes_numbers():
    seeds = pd.Series([1, 2], dtype="Int64")
    runs = fastxor.train_many(X, Y, epochs=2, seed=seeds, learning_rate=pd.Series([0.1, 0.2]))
    assert runs.settings.seed.tolist() == [1, 2]
    weights = [pd.DataFrame(array).convert_dtypes() for array in runs[0].network.arrays]
    assert_same_bits(
        fastxor.train(X, Y, initial=Network(*weights), epochs=2),
        fastxor.train(X, Y, initial=runs[0], epochs=2),
    )


@ENGINES
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.array([1, None, 0, 1], "Int64"), "X must not have missing values, got <NA> at [1, 1]"),
        (pd.array([True, True, None, None], "boolean"), "got <NA> at [2, 1]"),
        (np.array([0, 1, 2, None], object), "got None at [3, 1]"),
        (np.array([0, 1, pd.NaT, 1], object), "got NaT at [2, 1]"),
        (pd.array([0.5, None, 0, 1], "Float64"), "at [1, 1]"),
        (np.array([0, 1, np.nan, 1], object), "X must be finite in float64, got nan at [2, 1]"),
        (np.array([0, "no", None, 1], object), "X must hold real numbers, got 'no' at [1, 1]"),
        (pd.array(["a", "b", "c", "d"], "string"), "X must hold real numbers, got 'a' at [0, 1]"),
        (pd.Categorical(["a", "b", "a", "b"]), "X must hold real numbers, got 'a' at [0, 1]"),
    ],
)
def test_missing_values_and_text_are_refused_with_their_place(engine, column, message):
    frame = pd.DataFrame({"number": [0, 1, 0, 1], "other": column})
    with pytest.raises((ValueError, TypeError)) as raised:
        engine.train(frame, Y, epochs=1)
    assert message in str(raised.value)
