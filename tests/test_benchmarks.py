"""The benchmarks run, each case once and untimed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastxor.benchmarking import cases
from fastxor.benchmarking.case import Case
from fastxor.benchmarking.tables import rank


@pytest.mark.slow
def test_benchmarks_run():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks", "--benchmark-disable", "-q", "-x",
         "-p", "no:cacheprovider"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


CASES = {
    "2-2-1, n=4, float64": Case(4, (2, 2, 1)),
    "4-32-16-3, relu-softmax log loss, n=150, batches of 32, float32": Case(
        150, (4, 32, 16, 3), "float32", 32, activation="relu", output="softmax", loss="log_loss"
    ),
    "1-8-8-1, tanh-identity, n=100, float64": Case(
        100, (1, 8, 8, 1), activation="tanh", output="identity"
    ),
    "5 networks, 16-16-1, tanh without biases, n=16, float64": Case(
        16, (16, 16, 1), networks=5, activation="tanh", output="tanh", bias=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases_of_any_layers(name):
    case = CASES[name]
    assert str(case) == name
    assert case.is_tutorials == (case == cases.XOR[0])
    X, y = case.data()
    assert (X.shape, y.shape) == ((case.n, case.sizes[0]), (case.n, case.sizes[-1]))
    if case.output == "softmax":
        assert (np.sort(y) == [0, 0, 1]).all()
    assert case.start.architecture == case.architecture
    check = cases.check_bits_of_many if case.networks else cases.check_bits
    assert check(case) == "bits"
    record = cases.record("tables", "fastxor", case, 7, (0.5, 0.6))
    assert record["sizes"] == "-".join(map(str, case.sizes))
    assert (record["functions"] or "2-2-1") in name


def test_functions_are_sorted_as_words():
    names = ["tanh-identity", "relu-softmax log loss", "", "relu"]
    assert sorted(names, key=rank) == ["", "relu", "relu-softmax log loss", "tanh-identity"]
