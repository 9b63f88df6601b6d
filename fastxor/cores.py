"""How many cores there are to use."""

import os
from functools import cache


def cores() -> int:
    """The cores that this process may use, by its affinity and by its container's CPU quota."""
    if hasattr(os, "sched_getaffinity"):
        return _within_quota(len(os.sched_getaffinity(0)))
    return _within_quota(os.cpu_count() or 1)


@cache
def _within_quota(count: int) -> int:
    """``count``, or less where the process gets less time; a new count is looked at anew."""
    if count == 1:
        return 1
    from loky import cpu_count  # not at the top: it takes 40 ms

    return min(count, int(cpu_count()))
