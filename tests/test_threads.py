"""Threads have room for a kernel's stack, and share work."""

import os
import threading
import time

import pytest

from fastxor.common.threads import together
from tests.conftest import in_new_process


@pytest.mark.slow
def test_a_small_stack_size_is_no_obstacle():
    """That of threads to come, which servers with thousands of them ask for."""
    output = in_new_process(
        """
        import threading
        import numpy as np
        import fastxor
        from fastxor import reference

        threading.stack_size(2**15)
        X, y = np.random.default_rng(0).random((2, 8, 2))
        settings = {"hidden_size": 100, "epochs": 3, "momentum": 0.5}  # working memory of 130 kB
        runs = fastxor.train_many(X, y, seed=[1, 2], threads=2, **settings)
        alone = reference.train(X, y, seed=2, **settings)
        print((runs[1].network.W1 == alone.network.W1).all(), threading.stack_size())
        """
    )
    assert output == f"True {2**15}\n"


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_piece_is_run_once(threads):
    ran, pieces, caller = [], list(range(50)), threading.get_ident()
    here, elsewhere = threading.Event(), threading.Event()

    def run(piece):
        ran.append(piece)
        mine, other = here, elsewhere
        if threading.get_ident() != caller:
            mine, other = elsewhere, here
        mine.set()
        assert threads == 1 or other.wait(60), "there is no other"

    together(run, pieces.copy(), threads)
    assert sorted(ran) == pieces
    assert here.is_set()
    assert elsewhere.is_set() == (threads > 1)


@pytest.mark.parametrize("here", [True, False])
def test_a_piece_that_fails_ends_all(here):
    """In this thread, or in the other."""
    ran, caller, both = [], threading.get_ident(), threading.Barrier(2)  # so each has one

    def run(piece):
        ran.append(piece)
        if piece < 2:
            both.wait(60)
            if (threading.get_ident() == caller) == here:
                raise ZeroDivisionError
        time.sleep(0.01)

    with pytest.raises(ZeroDivisionError):
        together(run, list(range(1000)), 2)
    time.sleep(0.1)
    assert len(ran) < 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_process_has_threads_of_its_own():
    output = in_new_process(
        """
        import os, threading
        from fastxor.common.threads import together

        def has_another():
            caller, other = threading.get_ident(), threading.Event()
            together(
                lambda _: other.wait(60) if threading.get_ident() == caller else other.set(),
                [0] * 20, 2,
            )
            return other.is_set()

        print(has_another(), flush=True)
        if (child := os.fork()) == 0:
            print(has_another(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        """
    )
    assert output == "True\nTrue\n"


def test_where_no_threads_can_be_started():
    """As the process ends: this one does it all."""
    output = in_new_process(
        """
        import atexit
        from fastxor.common.threads import together

        together(print, [1], 2)
        atexit.register(together, print, [2, 3], 2)
        """
    )
    assert output == "1\n2\n3\n"
