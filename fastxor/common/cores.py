"""How many cores there are to use."""

import contextlib
import math
import os
from collections.abc import Iterator
from functools import cache

GROUPS = "/sys/fs/cgroup"  # where Linux shows control groups


def cores() -> int:
    """The cores that this process may use, by its affinity and by its container's CPU quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min(count, math.ceil(min(_quota(), count))))


@cache
def _quota() -> float:
    """So many cores' time is allowed by the control groups of this process, of either version.

    `loky.cpu_count` knows it too, but takes 40 to 100 ms to import, and sees no limits of groups
    within a machine or a container.
    """
    quotas = [math.inf]
    with contextlib.suppress(OSError):  # other systems
        with open("/proc/self/cgroup", encoding="utf-8") as lines:
            groups = [line.rstrip("\n").split(":", 2) for line in lines]
        for _, controllers, path in groups:
            if controllers == "" or "cpu" in controllers.split(","):
                # a container may see its own group at the top, and its path as the machine has it
                quotas += _quotas(os.path.join(GROUPS, "cpu" if controllers else ""), path)
    return min(quotas)


def _quotas(top: str, path: str) -> Iterator[float]:
    """Those of the group at ``path`` and of all groups that it is in."""
    while True:
        folder = os.path.join(top, path.strip("/"))
        with contextlib.suppress(OSError, ValueError):  # no such group, or no limit
            if os.path.exists(os.path.join(folder, "cpu.max")):
                quota, period = _numbers(folder, "cpu.max")
            else:
                (quota,), (period,) = (
                    _numbers(folder, f"cpu.cfs_{name}_us") for name in ("quota", "period")
                )
            if quota > 0:  # version 1 has -1 for none
                yield quota / period
        if not path.strip("/"):
            return
        path = os.path.dirname(path.rstrip("/"))


def _numbers(folder: str, name: str) -> list[int]:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]
