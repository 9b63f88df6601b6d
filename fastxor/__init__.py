"""fastxor trains tiny neural networks at the speed of the hardware, to the last bit of a plain
NumPy reference."""

from fastxor.arithmetic import ieee_arithmetic

with ieee_arithmetic():  # constants are read, and kept on disk in compiled modules
    from fastxor.agreement import compare
    from fastxor.data import parity, xor
    from fastxor.many import train_many
    from fastxor.network import Network
    from fastxor.networks import Networks
    from fastxor.results import Runs
    from fastxor.runs import Diverged, Interrupted, Run
    from fastxor.stored import StoredRuns
    from fastxor.training import train

__version__ = "0.1.0"
__all__ = [
    "Diverged", "Interrupted", "Network", "Networks", "Run", "Runs", "StoredRuns", "compare",
    "parity", "train", "train_many", "xor",
]  # fmt: skip
