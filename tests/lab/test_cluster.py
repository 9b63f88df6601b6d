"""A real Dask cluster of several processes: the bits of one machine, also if one is killed."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster

from fastxor import StoredRuns, train_many
from fastxor.sweeps import sweep
from tests.test_many import X, Y, same_runs

CALL = {"seed": np.arange(12_000), "epochs": 10_000, "momentum": 0.5}


@pytest.fixture(scope="module")
def whole():
    return train_many(X, Y, **CALL)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(sweep, "LARGEST", 128)


def test_a_cluster(client, whole, small_parts):
    runs = train_many(X, Y, executor=client.get_executor(), **CALL)
    assert same_runs(runs, whole)


def test_a_worker_is_killed(client, whole, small_parts, tmp_path):
    """In mid-run; what it had is trained by the others, and what was finished is not again."""
    (victim, *_) = client.run(os.getpid).values()
    written = []

    def kill():
        while not (paths := list(tmp_path.glob("part-*.npy"))):
            time.sleep(0.001)
        os.kill(victim, signal.SIGKILL)
        written.extend(paths)

    killer = threading.Thread(target=kill)
    killer.start()
    runs = train_many(X, Y, executor=client.get_executor(), store=tmp_path, **CALL)
    killer.join()
    assert len(written) < 50 < len(list(tmp_path.glob("part-*.npy"))), "this was not mid-run"
    assert same_runs(runs, whole)
    assert victim not in client.run(os.getpid).values()
    assert same_runs(StoredRuns(tmp_path), whole)


def test_the_cluster_goes_away(whole, small_parts, tmp_path):
    """What is finished stays, and the rest is trained here."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):

        def close():
            while not list(tmp_path.glob("part-*.npy")):
                time.sleep(0.001)
            client.close()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.warns(RuntimeWarning, match="is trained in this process"):
            runs = train_many(X, Y, executor=client.get_executor(), store=tmp_path, **CALL)
        closer.join()
    assert same_runs(runs, whole)
