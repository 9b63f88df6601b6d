"""The benchmarks run, each case once and untimed."""

import subprocess
import sys
from pathlib import Path


def test_benchmarks_run():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks", "--benchmark-disable", "-q", "-x",
         "-p", "no:cacheprovider"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
