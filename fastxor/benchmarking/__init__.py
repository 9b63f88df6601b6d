"""What ``fastxor bench``, ``benchmarks/`` and ``fastxor.report`` share: cases, tables, plots.
Imports the engines that it measures."""
