"""Compiling kernels: Ctrl-C; and what they draw from a generator of NumPy's."""

import itertools
import os
import signal

import numpy as np
import pytest
from numba import njit

from fastxor import interrupts
from fastxor.kernels import kernel_files
from fastxor.kernels.calls import FORWARD, of_forward, traced_call
from fastxor.kernels.compiling import Code
from fastxor.kernels.control import loop
from fastxor.kernels.order import _at_most, addresses_of
from fastxor.kernels.turning import turn


@pytest.fixture
def code(monkeypatch):
    """Of a kernel that is interrupted while it is written; not to be kept."""
    monkeypatch.setattr(kernel_files, "_folders", lambda: iter(()))
    return Code(
        of_forward(lambda call: os.kill(os.getpid(), signal.SIGINT)), FORWARD, np.float64, "test"
    )


@pytest.mark.skipif(os.name == "nt", reason="a signal there ends the process")
def test_ctrl_c_is_heeded_at_the_end(code):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        code.make()
    assert signal.getsignal(signal.SIGINT) is before
    code.make()
    code.run(*([np.zeros(1, np.int64)] + [np.zeros(1)] * 4 + [0] * 6))


@pytest.mark.skipif(os.name == "nt", reason="a signal there ends the process")
def test_ctrl_c_may_be_ignored(code):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code.make()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_there_are_no_signals(code, monkeypatch):
    """In another thread or interpreter."""

    def refuse(*what):
        raise ValueError("signal only works in main thread of the main interpreter")

    monkeypatch.setattr(interrupts.signal, "signal", refuse)
    monkeypatch.setattr(os, "kill", lambda *what: None)
    code.make()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_are_turned_into_columns(dtype):
    """Of any number and length, and nothing beside them is read into the result or written."""

    def of_memory(given):
        source, to, rows, columns = given
        turn(source.at(1), lambda row: row * (columns + 3), rows, columns, to.at(1), rows + 2)

    traced = traced_call(of_memory)

    @njit
    def turned(source, to, rows, columns):
        traced((source, to, rows, columns))

    for rows, columns in itertools.product([*range(1, 20), 31, 32, 70], repeat=2):
        source = np.random.default_rng(0).random(1 + rows * (columns + 3)).astype(dtype)
        source[1:].reshape(rows, -1)[:, columns:] = np.nan
        to = np.full(1 + columns * (rows + 2), -1, dtype)
        turned(source, to, rows, columns)
        expected = np.full((columns, rows + 2), -1, dtype)
        expected[:, :rows] = source[1:].reshape(rows, -1)[:, :columns].T
        assert (to[1:].reshape(columns, -1) == expected).all()
        assert to[0] == -1


def test_random_numbers_of_any_size():
    """As NumPy has them: of 32 bits up to 2**32 - 1, of 64 bits beyond."""
    limits = np.array([1, 2, 7, 8, 1000, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 2**40, 3] * 20)

    def of_memory(given):
        limits, addresses, numbers = given
        for i in loop(0, numbers.size):
            numbers.set(i, _at_most(limits[i], addresses))

    traced = traced_call(of_memory)

    @njit
    def draw(limits, addresses, numbers):
        traced((limits, addresses, numbers))

    generator, numbers = np.random.default_rng(5), np.zeros_like(limits)
    draw(limits, addresses_of(generator), numbers)
    other = np.random.default_rng(5)
    bits = other.bit_generator.ctypes
    for limit, number in zip(limits.tolist(), numbers.tolist(), strict=True):
        draw_bits = bits.next_uint64 if limit >= 2**32 else bits.next_uint32
        expected = limit + 1
        while expected > limit:
            expected = draw_bits(bits.state) % 2 ** limit.bit_length()
        assert number == expected
    assert generator.bit_generator.state == other.bit_generator.state
