"""Tables of what benchmarks measured: ``python -m fastxor.report FILE... [--plots FOLDER]``.

Files are those of ``pytest benchmarks --benchmark-json FILE`` and ``fastxor bench --json FILE``;
several of one machine and the same versions become one. Tables are Markdown, on standard output,
plots are PNG files and need matplotlib. All show the shortest time: what disturbs a measurement
only adds to it.
"""

import argparse
import sys
from pathlib import Path

from fastxor.benchmarking.tables import Time, read, report


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fastxor.report", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON of benchmarks")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write PNG files there")
    options = parser.parse_args(arguments)
    machines: dict[str, list[Time]] = {}
    try:
        for file in options.files:
            machine, times = read(file)
            machines.setdefault(machine, []).extend(times)
        if options.plots is not None:
            from fastxor.benchmarking.charts import plots

            for count, times in enumerate(machines.values(), 1):
                plots(times, options.plots, f"-{count}" if count > 1 else "")
    except (ImportError, OSError, ValueError) as error:
        hint = " (--plots needs matplotlib)" if isinstance(error, ImportError) else ""
        print(f"fastxor.report: {error}{hint}", file=sys.stderr)
        return 2
    print("\n\n".join(report(machine, times) for machine, times in machines.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
