"""The command line: ``fastxor`` alone, ``train``, ``compare``, ``seeds``, ``map``,
``export`` and ``bench``."""

import argparse
import os
import sys

from fastxor import __version__
from fastxor.cli.examples import EXAMPLES
from fastxor.cli.export import add_export
from fastxor.cli.given import check_writable, on_terminal
from fastxor.cli.map_options import map_options
from fastxor.cli.options import Parser, epochs, task_options
from fastxor.cli.samples import Samples, samples_of
from fastxor.common.arithmetic import ieee_arithmetic


@ieee_arithmetic()
def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
        if sys.stdout is not None:  # None where the caller closed it
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as stop:
        print(f"fastxor: {stop or 'interrupted'}", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, MemoryError, ArithmeticError, ImportError) as error:
        print(f"fastxor: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return status


def parser() -> argparse.ArgumentParser:
    """Of all commands; for completion by shtab, too."""
    whole = Parser(
        prog="fastxor",
        description="Train tiny neural networks with fused kernels, to the last bit of a NumPy\n"
        "reference. Without a command: train the XOR network of the tutorial three ways.",
    )
    whole.add_argument("--version", action="version", version=f"fastxor {__version__}")
    whole.set_defaults(command=_demo)
    commands = whole.add_subparsers(title="commands", metavar="command")
    task, many = task_options(many=False), task_options(many=True)
    fit = commands.add_parser(
        "train",
        parents=[task],
        epilog=EXAMPLES["train"],
        help="train one network, print its losses and predictions",
    )
    fit.add_argument(
        "--save", metavar="FILE",
        help="write the network to FILE (.npz); with --validation the best one",
    )  # fmt: skip
    fit.add_argument(
        "--snapshots", type=epochs, metavar="E,E,...",
        help="write the networks at these epochs, too, to FILE with the epoch in its name",
    )  # fmt: skip
    fit.set_defaults(command=_train)
    check = commands.add_parser(
        "compare",
        parents=[task],
        epilog=EXAMPLES["compare"],
        help="train with reference and kernel and compare every bit; exit status 1 if they differ",
    )
    check.set_defaults(command=_compare)
    seeds = commands.add_parser(
        "seeds",
        parents=[many],
        epilog=EXAMPLES["seeds"],
        help="train a network from each of many seeds: how many learn, at which learning rate?",
    )
    seeds.add_argument("--save", metavar="FILE", help="write all runs to FILE (.npz)")
    seeds.add_argument(
        "--resume", metavar="FILE", help="finish what was interrupted and saved to FILE"
    )
    seeds.set_defaults(command=_seeds)
    chart = commands.add_parser(
        "map",
        parents=[map_options()],
        epilog=EXAMPLES["map"],
        help="draw where training works: any two of rates, weights and seeds as axes",
    )
    chart.add_argument("png", nargs="?", metavar="PNG", help="the file to draw to")
    chart.set_defaults(command=_map)
    add_export(commands)
    bench = commands.add_parser(
        "bench",
        epilog=EXAMPLES["bench"],
        help="measure the engines on this machine, in less than two minutes",
    )
    bench.add_argument("--json", metavar="FILE", help="write the figures to FILE, too")
    bench.set_defaults(command=_bench)
    for each in (fit, check, seeds, chart):
        each.add_argument(
            "--json", action="store_true",
            help="print the result as one JSON object and nothing else; numbers are exact, what is "
            'not finite is "NaN", "Infinity" or "-Infinity"',
        )  # fmt: skip
    return whole


def _train(arguments: argparse.Namespace) -> int:
    from fastxor.cli.train import train_one

    return train_one(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    from fastxor.cli.train import compare_one

    return compare_one(arguments)


def _seeds(arguments: argparse.Namespace) -> int:
    from fastxor.cli.seeds import train_seeds

    return train_seeds(arguments)


def _map(arguments: argparse.Namespace) -> int:
    from fastxor.cli.map import draw, given, map_of
    from fastxor.cli.movie import check, film

    settings = given(arguments)
    own = arguments.figure is not None or arguments.fractal is not None
    samples = None if own else samples_of(arguments, settings.get("output", "sigmoid"))[0]
    chart = map_of(arguments, settings, samples and samples[:2])
    samples = samples or Samples(*chart.samples)
    files = {"PNG": arguments.png, "--save": arguments.save, "--movie": arguments.movie}
    if (arguments.png is None) == (arguments.movie is None):
        raise ValueError("PNG must be given, or --movie, not both")
    target = None if arguments.movie is None else check(chart, arguments)
    for option, path in files.items():
        if path is not None:
            check_writable(option, path)
    if target:
        return film(chart, target, samples, arguments, progress=on_terminal())
    if arguments.zoom_to is not None:
        raise ValueError("--zoom-to must go with --movie")
    return draw(chart, samples, arguments, progress=on_terminal())


def _bench(arguments: argparse.Namespace) -> int:
    from fastxor.cli.bench import bench

    if arguments.json is not None:
        check_writable("--json", arguments.json)
    return bench(arguments.json, progress=on_terminal())


def _demo(arguments: argparse.Namespace) -> int:
    from fastxor.cli.demo import three_ways

    return three_ways(progress=on_terminal())
