"""The number of cores: by affinity and by a container's quota of CPU time."""

import builtins
import io
import os

import numpy as np
import pytest

import fastxor
from fastxor.common import cores
from fastxor.training import crew

V2, V1 = "0::{}\n", "12:cpuset:/\n4:cpu,cpuacct:{}\n1:name=systemd:/x\n0::/x\n"
TOP = {V2: "/sys/fs/cgroup", V1: "/sys/fs/cgroup/cpu"}


@pytest.fixture
def machine(monkeypatch):
    """A function that makes a machine of 64 cores, of which some may be used, with these files."""

    def make(allowed, groups="", files=()):
        served = {"/proc/self/cgroup": groups, **dict(files)}
        monkeypatch.setattr(os, "cpu_count", lambda: 64)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)), raising=False)
        exists, opened = os.path.exists, builtins.open

        def ours(path):
            return str(path).startswith(("/sys/fs/cgroup", "/proc/self/cgroup"))

        def open_here(path, *arguments, **options):
            if not ours(path):
                return opened(path, *arguments, **options)
            if path not in served:
                raise FileNotFoundError(path)
            return io.StringIO(served[path])

        monkeypatch.setattr(os.path, "exists", lambda p: p in served if ours(p) else exists(p))
        monkeypatch.setattr(builtins, "open", open_here)

    cores._quota.cache_clear()
    yield make
    cores._quota.cache_clear()


def limits(version, path, quota, period=100_000):
    """The files of a group that may have ``quota`` us of each ``period``."""
    folder = TOP[version] + path.rstrip("/")
    if version == V2:
        return {f"{folder}/cpu.max": f"{quota} {period}\n"}
    files = {"quota": -1 if quota == "max" else quota, "period": period}
    return {f"{folder}/cpu.cfs_{name}_us": f"{number}\n" for name, number in files.items()}


@pytest.mark.parametrize("version", [V1, V2], ids=["version 1", "version 2"])
@pytest.mark.parametrize(
    ("path", "quotas", "expected"),
    [
        ("/", {}, 64),
        ("/", {"/": "max"}, 64),
        ("/", {"/": 100_000}, 1),
        ("/", {"/": 50_000}, 1),
        ("/", {"/": 250_000}, 3),
        ("/", {"/": 10**8}, 64),
        ("/user/app", {"/": "max", "/user": 300_000, "/user/app": "max"}, 3),
        ("/user/app", {"/user": 800_000, "/user/app": 200_000, "/other": 100_000}, 2),
        ("/docker/1a2b", {"/": 200_000}, 2),  # a path of the machine's, seen in the container
    ],
)
def test_quotas(machine, version, path, quotas, expected):
    files = {}
    for group, quota in quotas.items():
        files |= limits(version, group, quota)
    machine(64, version.format(path), files)
    assert cores.cores() == expected


def test_what_is_no_number_is_no_limit(machine):
    machine(64, V2.format("/"), {"/sys/fs/cgroup/cpu.max": ""})
    assert cores.cores() == 64


def test_fewer_of_affinity_and_quota(machine):
    machine(2, V2.format("/"), limits(V2, "/", 400_000))
    assert cores.cores() == 2


def test_a_new_affinity_counts(machine):
    machine(3)
    assert cores.cores() == 3
    machine(2)
    assert cores.cores() == 2


def test_no_more_threads_than_the_quota_allows(machine, monkeypatch):
    machine(64, V2.format("/"), limits(V2, "/", 300_000))
    pools = []

    class Pool(crew.Threads):
        def __init__(self, threads):
            pools.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(crew, "Threads", Pool)
    X, y = fastxor.xor()
    fastxor.train_many(X, y, seed=np.arange(500), epochs=2_000)
    assert pools == [3]
