"""A child that is forked while another thread imports numba or compiles can train, too."""

import os

import pytest

from tests.conftest import in_new_process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")

START = """
import os, signal, sys, threading, time
import fastxor
X, y = fastxor.xor()

def fork():
    "Fork; does the child end its training, within a minute?"
    child = os.fork()
    if not child:
        signal.alarm(60)
        fastxor.train(X, y, epochs=1)
        fastxor.train_many(X, y, epochs=1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0

def in_thread(function, *arguments, **options):
    thread = threading.Thread(target=function, args=arguments, kwargs=options, daemon=True)
    thread.start()
    return thread
"""


def test_while_a_thread_imports_numba():
    output = in_new_process(START + """
thread = in_thread(fastxor.train, X, y, epochs=1)
while "numba" not in sys.modules:
    time.sleep(0.001)
print(fork())
thread.join()
""")  # fmt: skip
    assert output == "True\n"


@pytest.mark.parametrize("lock", ["numba's", "llvmlite's"])
def test_while_a_thread_compiles_something_of_its_own(lock):
    """It has the compiler's lock for a while; neither fork nor thread waits for ever."""
    output = in_new_process(START + f"""
fastxor.train(X, y, epochs=1)
from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock
lock = global_compiler_lock if {lock == "numba's"} else ffi.lib._lock
locked = threading.Event()

def compile():
    with lock:
        locked.set()
        time.sleep(0.5)

thread = in_thread(compile)
locked.wait()
print(fork())
thread.join()
print(fork())
fastxor.train(X, y, epochs=1)
""")  # fmt: skip
    assert output == "True\nTrue\n"


def test_a_thread_that_compiles_on_and_on_lets_a_fork_go_first():
    output = in_new_process(START + """
from fastxor.forks import not_forking
turns = 0

def compile_on():
    global turns
    while turns < 50:
        with not_forking, not_forking:
            time.sleep(0.05)
            turns += 1

thread = in_thread(compile_on)
while not turns:
    time.sleep(0.001)
before = turns
if not os.fork():
    os._exit(0)
print(turns - before <= 3)
thread.join()
""")  # fmt: skip
    assert output == "True\n"


@pytest.mark.slow
def test_while_a_thread_trains_networks_of_new_sizes():
    output = in_new_process(START + """
def train_all():
    for hidden_size in range(40, 80):
        fastxor.train(X, y, hidden_size=hidden_size, epochs=1)

thread = in_thread(train_all)
time.sleep(1)
print([fork() for _ in range(6)])
""")  # fmt: skip
    assert output == f"{[True] * 6}\n"


def test_a_lock_on_a_folder_does_not_outlive_a_fork(tmp_path):
    """A store that a thread of the parent trains to: the child may, when that has ended."""
    output = in_new_process(START + f"""
import numpy as np
from fastxor.sweeps import store_files as folder

holding, done = threading.Event(), threading.Event()

def hold():
    with folder.locked({str(tmp_path)!r}):
        holding.set()
        done.wait()

thread = in_thread(hold)
holding.wait()
(read, write), (heard, said) = os.pipe(), os.pipe()
child = os.fork()
if not child:
    signal.alarm(60)
    try:
        with folder.locked({str(tmp_path)!r}):
            os._exit(1)
    except BlockingIOError as error:
        assert "another process" in str(error)
    os.write(said, b".")
    os.read(read, 1)
    with folder.locked({str(tmp_path)!r}):
        os._exit(0)
os.close(said)
os.read(heard, 1)
done.set()
thread.join()
os.write(write, b".")
print(os.waitpid(child, 0)[1])
""")  # fmt: skip
    assert output == "0\n"
