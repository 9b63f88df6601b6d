"""The number of cores: by affinity and by a container's quota of CPU time."""

import builtins
import io
import os

import numpy as np
import pytest

import fastxor
from fastxor import cores, crew

ROOT = "/sys/fs/cgroup/"
V1 = ROOT + "cpu/cpu.cfs_quota_us", ROOT + "cpu/cpu.cfs_period_us"


@pytest.fixture
def machine(monkeypatch):
    """A function that makes a machine of 64 cores, of which some may be used, with these files."""

    def make(allowed, files):
        monkeypatch.setattr(os, "cpu_count", lambda: 64)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)), raising=False)
        exists, opened = os.path.exists, builtins.open

        def exists_here(path):
            return path in files if str(path).startswith(ROOT) else exists(path)

        def open_here(path, *arguments, **options):
            if str(path).startswith(ROOT):
                return io.StringIO(files[path])
            return opened(path, *arguments, **options)

        monkeypatch.setattr(os.path, "exists", exists_here)
        monkeypatch.setattr(builtins, "open", open_here)

    cores._within_quota.cache_clear()
    yield make
    cores._within_quota.cache_clear()


@pytest.mark.parametrize(
    ("allowed", "files", "expected"),
    [
        (64, {}, 64),
        (3, {}, 3),
        (64, {ROOT + "cpu.max": "max 100000\n"}, 64),
        (64, {ROOT + "cpu.max": "100000 100000\n"}, 1),
        (64, {ROOT + "cpu.max": "250000 100000\n"}, 3),
        (2, {ROOT + "cpu.max": "400000 100000\n"}, 2),
        (64, dict(zip(V1, ("-1\n", "100000\n"), strict=True)), 64),
        (64, dict(zip(V1, ("50000\n", "100000\n"), strict=True)), 1),
        (64, dict(zip(V1, ("200000\n", "100000\n"), strict=True)), 2),
    ],
)
def test_cores(machine, allowed, files, expected):
    machine(allowed, files)
    assert cores.cores() == expected


def test_a_new_affinity_counts(machine):
    machine(3, {})
    assert cores.cores() == 3
    machine(2, {})
    assert cores.cores() == 2


def test_no_more_threads_than_the_quota_allows(machine, monkeypatch):
    machine(64, {ROOT + "cpu.max": "300000 100000\n"})
    pools = []

    class Pool(crew.ThreadPoolExecutor):
        def __init__(self, threads):
            pools.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(crew, "ThreadPoolExecutor", Pool)
    X, y = fastxor.xor()
    fastxor.train_many(X, y, seed=np.arange(500), epochs=2_000)
    assert pools == [3]
