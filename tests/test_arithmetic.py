"""Threads that flush subnormal numbers or round otherwise: the bits are right all the same.

As after loading a library that was built with -ffast-math.
"""

import ctypes
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

import fastxor
from fastxor import Network, Networks, data, maps, reference, train_many
from fastxor.agreement import same_bits
from fastxor.common import arithmetic, threads
from fastxor.common.arithmetic import ieee_arithmetic, is_ieee
from fastxor.common.threads import together
from fastxor.contract.functions import sigmoid
from tests.conftest import assert_same_bits, in_new_process, samples
from tests.test_many import same_runs

# where the C library's fenv_t has the processor's register, and its bits for what is tried here:
# both ways of flushing, up, down, towards zero
REGISTERS = {
    "x86_64": (28, {"flushing": 0x8040, "up": 0x4000, "down": 0x2000, "to zero": 0x6000}),
    "aarch64": (0, {"flushing": 1 << 24, "up": 1 << 22, "down": 2 << 22, "to zero": 3 << 22}),
}
if platform.system() != "Linux" or platform.machine() not in REGISTERS:
    pytest.skip("only known how to change it on Linux", allow_module_level=True)
OFFSET, BITS = REGISTERS[platform.machine()]
LIBRARY = ctypes.CDLL(None)


def environment():
    memory = ctypes.create_string_buffer(1024)
    LIBRARY.fegetenv(memory)
    return memory


def change(mode):
    changed = environment()
    register = int.from_bytes(changed[OFFSET : OFFSET + 4], "little") | BITS[mode]
    changed[OFFSET : OFFSET + 4] = register.to_bytes(4, "little")
    LIBRARY.fesetenv(changed)


@contextmanager
def changed_to(mode):
    before = environment()
    change(mode)
    try:
        yield
    finally:
        LIBRARY.fesetenv(before)


@pytest.fixture(params=BITS)
def mode(request):
    """A function that calls another in a thread with that arithmetic, which is to keep it."""

    def call(function, *arguments, **options):
        with changed_to(request.param):
            assert not is_ieee()
            try:
                return function(*arguments, **options)
            finally:
                assert not is_ieee()

    yield call
    assert is_ieee()


X, Y = fastxor.xor()
TINY = tuple(np.full(shape, 1e-310) for shape in [(2, 2), (1, 2), (2, 1), (1, 1)])
SETTINGS = {"initial": TINY, "epochs": 3, "learning_rate": 1e-3}


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
def test_training(engine, mode, dtype):
    for options in (SETTINGS, {"epochs": 20, "seed": 3}):
        expected = engine.train(X, Y, dtype=dtype, **options)
        assert_same_bits(mode(engine.train, X, Y, dtype=dtype, **options), expected)
    assert expected.network.W1.any()


def test_training_by_several_threads(mode):
    X, y = samples(3000, 2, 1)
    settings = {"hidden_size": 8, "threads": 2, "epochs": 3, "learning_rate": 1e-3, "seed": 1}
    assert_same_bits(mode(fastxor.train, X, y, **settings), fastxor.train(X, y, **settings))


def test_training_many(mode):
    rates = np.geomspace(1e-310, 1, 40)
    settings = {"epochs": 3, "learning_rate": rates, "threads": 2}
    for more in ({}, {"initial": TINY}, {"init": "uniform", "init_range": 0.7}):
        expected = train_many(X, Y, **settings, **more)
        assert same_runs(mode(train_many, X, Y, **settings, **more), expected)


@pytest.mark.parametrize("mode_of_workers", BITS)
def test_training_in_the_threads_of_others(mode_of_workers):
    expected = train_many(X, Y, learning_rate=np.geomspace(1e-3, 1, 300), epochs=20)
    with ThreadPoolExecutor(2, initializer=change, initargs=(mode_of_workers,)) as executor:
        runs = train_many(
            X, Y, learning_rate=np.geomspace(1e-3, 1, 300), epochs=20, executor=executor
        )
    assert same_runs(runs, expected)


def test_networks_and_predictions(mode, tmp_path):
    network = mode(Network, *TINY)
    for ours, given in zip(network.arrays, TINY, strict=True):
        assert same_bits(ours, given)
    random = fastxor.train(X, Y, epochs=0).network
    for kind in (random, Networks(*(np.stack([a, -a]) for a in random.arrays))):
        assert same_bits(mode(kind.predict_proba, X * 0.3), kind.predict_proba(X * 0.3))
    large = np.full((2, 2), 2**53 + 1), *TINY[1:]
    start = mode(fastxor.train, X, Y, epochs=0, initial=large).network
    assert same_bits(start.W1, np.full((2, 2), 2.0**53))
    (tmp_path / "data.csv").write_text("0.1,1e-310\n0.30000000000000004,1\n")
    numbers, targets = mode(data.load, tmp_path / "data.csv")
    assert numbers.tolist() == [[0.1], [0.30000000000000004]]
    assert targets.tolist() == [[1e-310], [1]]


def test_maps(mode):
    expected = maps.digest(maps.CLASSICS[26].train(8))
    assert maps.digest(mode(maps.CLASSICS[26].train, 8)) == expected


def test_comparing(mode):
    result = mode(fastxor.compare, X, Y, show=False, **SETTINGS)
    assert result.agree
    assert result.digest == fastxor.compare(X, Y, show=False, **SETTINGS).digest


def test_threads_that_wait(mode):
    """Though they began in one with another arithmetic."""
    found, caller, other = [], threading.get_ident(), threading.Event()

    def run(_):
        if threading.get_ident() == caller:
            assert other.wait(60), "there is no other"
        else:
            found.append(is_ieee())
            other.set()

    threads._waiting.cache_clear()
    mode(together, run, [0] * 50, 2)
    threads._waiting.cache_clear()
    assert all(found)


def test_an_error_leaves_the_arithmetic_as_it_was(mode):
    with pytest.raises(ValueError, match="epochs"):
        mode(fastxor.train, X, Y, epochs=-1)
    with pytest.raises(fastxor.Diverged):
        mode(fastxor.train, X, Y, learning_rate=1e30, momentum=1e30)


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
def test_where_nothing_can_be_done_it_is_refused(engine, mode, monkeypatch):
    network = engine.train(X, Y, epochs=1).network
    monkeypatch.setattr(arithmetic.ctypes, "CDLL", lambda name: object())
    for call in (engine.train, lambda *data: network.predict_proba(data[0]), train_many):
        with pytest.raises(RuntimeError, match="-ffast-math"):
            mode(call, X, Y)


def test_it_can_be_nested_and_numpy_is_as_before(mode):
    @ieee_arithmetic()
    def inner(depth):
        assert is_ieee()
        if depth:
            inner(depth - 1)
        assert is_ieee()

    mode(inner, 2)
    with np.errstate(all="raise"):
        inner(1)
        with pytest.raises(FloatingPointError):
            np.float32(1e-30) * np.float32(1e-30)


@pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
def test_numpys_own_errors_are_off(engine, dtype):
    options = {"dtype": dtype, "epochs": 3, "learning_rate": 1e-300}
    expected = engine.train(X * 1e-320, Y, **options)
    with np.errstate(all="raise"):
        assert_same_bits(engine.train(X * 1e-320, Y, **options), expected)
        train_many(X * 1e-320, Y, **options)
        expected.network.predict_proba(X * 1e-320)


@pytest.mark.parametrize("mode", BITS)
def test_modules_are_compiled_with_the_right_constants(mode, tmp_path):
    """In a process that rounds otherwise they would be kept with others, for all to come."""
    code = f"""
        import ctypes, hashlib
        library, memory = ctypes.CDLL(None), ctypes.create_string_buffer(1024)
        library.fegetenv(memory)
        register = int.from_bytes(memory[{OFFSET}:{OFFSET + 4}], "little") | {BITS[mode]}
        memory[{OFFSET}:{OFFSET + 4}] = register.to_bytes(4, "little")
        library.fesetenv(memory)
        from fastxor.contract.functions import sigmoid
        code = sigmoid.__code__
        print([c.hex() for c in code.co_consts if isinstance(c, float)])
    """
    constants = [c.hex() for c in sigmoid.__code__.co_consts if isinstance(c, float)]
    assert in_new_process(code, "-X", f"pycache_prefix={tmp_path}") == f"{constants}\n"
