"""Threads have room for a kernel's stack."""

import pytest

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
