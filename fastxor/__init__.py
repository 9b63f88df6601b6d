"""fastxor trains tiny neural networks at the speed of the hardware, to the last bit of a plain
NumPy reference."""

from fastxor.common.arithmetic import ieee_arithmetic

with ieee_arithmetic():  # constants are read, and kept on disk in compiled modules
    from fastxor.agreement import compare
    from fastxor.data import bootstrap, parity, xor
    from fastxor.networks.network import Network
    from fastxor.networks.stack import Networks
    from fastxor.runs.run import Diverged, Interrupted, Run
    from fastxor.runs.runs import Runs
    from fastxor.sweeps.many import train_many
    from fastxor.sweeps.stored_runs import StoredRuns
    from fastxor.training.single import train

__version__ = "1.0.0"
__all__ = [
    "Diverged", "Interrupted", "Network", "Networks", "Run", "Runs", "StoredRuns",
    "bootstrap", "compare", "parity", "train", "train_many", "xor",
]  # fmt: skip
