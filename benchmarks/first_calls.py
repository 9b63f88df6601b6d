"""``python -m benchmarks.first_calls ENGINE``: the first trainings of a peer, by the way that its
users find first, see `fastxor.benchmarking.first_calls`."""

import sys

from benchmarks import peers
from fastxor.benchmarking.first_calls import report_both

if __name__ == "__main__":
    report_both(lambda case, epochs: next(iter(peers.variants(sys.argv[1], case, epochs).values())))
