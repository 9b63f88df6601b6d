"""The command line: ``fastxor`` alone, ``train``, ``compare``, ``seeds``, ``map``,
``export`` and ``bench``."""

import argparse
import os
import sys
import tempfile
import time
from typing import Any

import numpy as np

from fastxor import __version__, data
from fastxor.agreement import compare
from fastxor.cli.export import add_export
from fastxor.cli.map_options import map_options
from fastxor.cli.options import Parser, epochs, task_options
from fastxor.cli.words import print_predictions, print_validation
from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.runs.run import Interrupted, Run
from fastxor.training.single import train


@ieee_arithmetic()
def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fastxor",
        description="Train tiny neural networks with fused kernels, to the last bit of a NumPy "
        "reference. Without a command: train the XOR network of the tutorial three ways.",
    )
    parser.add_argument("--version", action="version", version=f"fastxor {__version__}")
    parser.set_defaults(command=_demo)
    commands = parser.add_subparsers(title="commands", metavar="command")
    task, many = task_options(many=False), task_options(many=True)
    fit = commands.add_parser(
        "train", parents=[task], help="train one network, print its losses and predictions"
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
        help="train with reference and kernel and compare every bit; exit status 1 if they differ",
    )
    check.set_defaults(command=_compare)
    seeds = commands.add_parser(
        "seeds",
        parents=[many],
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
        help="draw where training works: any two of rates, weights and seeds as axes",
    )
    chart.add_argument("png", nargs="?", metavar="PNG", help="the file to draw to")
    chart.set_defaults(command=_map)
    add_export(commands)
    bench = commands.add_parser(
        "bench", help="measure the engines on this machine, in less than two minutes"
    )
    bench.add_argument("--json", metavar="FILE", help="write the figures to FILE, too")
    bench.set_defaults(command=_bench)
    return parser


def _load(arguments: argparse.Namespace) -> tuple[Array, Array]:
    if arguments.data is not None:
        return data.load(arguments.data, arguments.targets)
    if arguments.problem == "parity":
        return data.parity(arguments.bits)
    return data.xor()


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    names = (
        "sample_weight", "hidden_size", "activation", "output", "loss", "bias", "scales", "epochs",
        "momentum", "nesterov", "optimizer", "beta1", "beta2", "epsilon", "l2", "layer_rates",
        "reduction", "schedule", "batch_size", "shuffle", "threads", "init", "init_range", "dtype",
        "tolerance", "stop_when_solved", "validate_every", "patience",
    )  # fmt: skip
    held_out = None
    if arguments.validation is not None:
        held_out = data.load(arguments.validation, arguments.targets)
    return {"validation": held_out} | {name: getattr(arguments, name) for name in names}


def _settings_of_one(arguments: argparse.Namespace) -> dict[str, Any]:
    initial = Network.load(arguments.initial) if arguments.initial is not None else None
    one = {"seed": arguments.seed, "learning_rate": arguments.learning_rate, "initial": initial}
    return _settings(arguments) | one


def _train(arguments: argparse.Namespace) -> int:
    X, y = _load(arguments)
    settings = _settings_of_one(arguments)
    settings["snapshots"] = arguments.snapshots
    if arguments.save is not None:
        _check_writable("--save", arguments.save)
    elif arguments.snapshots is not None:
        raise ValueError("--snapshots must go with --save, whose FILE is part of their names")
    try:
        run = train(X, y, **settings, progress=_on_terminal())
    except Interrupted as stop:
        done = len(stop.run.losses)
        if arguments.save is not None and done:  # an untrained network is not worth a file
            _save(stop.run.network, stop.run, arguments.save)
            print(f"saved the network after {done:,} epochs to {arguments.save}", file=sys.stderr)
        raise
    network = run.best or run.network
    saved = [] if arguments.save is None else _save(network, run, arguments.save)
    for epoch in range(0, len(run.losses), max(1, len(run.losses) // 10)):
        print(f"Epoch {epoch}, Loss: {run.losses[epoch]:.5f}")
    if run.solved_at is not None:
        print(f"Solved at epoch {run.solved_at}." if run.solved_at >= 0 else "Never solved.")
    print_validation(run)
    print_predictions(run, network, X, np.reshape(y, (len(X), -1)), arguments.initial is None)
    for path in saved:
        print(f"saved to {path}")
    return 0


def _save(network: Network, run: Run, path: str) -> list[str]:
    """Write a network and the run's snapshots; returns where they are."""
    name, suffix = os.path.splitext(path)
    files = {f"{name}-{epoch}{suffix}": one for epoch, one in run.snapshots.items()}
    for at, one in ({path: network} | files).items():
        one.save(at)
    return [path, *files]


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _check_writable(option: str, path: str) -> None:
    """Find out before the work what would keep its result from being saved after it."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{option} must name a file, got the folder {path}")
    folder = os.path.dirname(os.path.realpath(path))
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"{option}: cannot write to {folder}: {error.strerror}") from None


def _compare(arguments: argparse.Namespace) -> int:
    X, y = _load(arguments)
    return 0 if compare(X, y, **_settings_of_one(arguments), progress=_on_terminal()).agree else 1


def _seeds(arguments: argparse.Namespace) -> int:
    from fastxor.cli.seeds import interrupted_by, report, train_seeds
    from fastxor.runs.runs import Runs

    X, y = _load(arguments)
    if arguments.tolerance is None:
        raise ValueError("--tolerance must be a number")
    checks.integer("--count", arguments.count, low=1)
    if arguments.save is not None:
        _check_writable("--save", arguments.save)
    resume = None if arguments.resume is None else Runs.load(arguments.resume)
    began = time.perf_counter()
    try:
        runs, seconds = train_seeds(
            X, y, arguments.first, arguments.count, arguments.learning_rate,
            **_settings(arguments), resume=resume, progress=_on_terminal(),
        )  # fmt: skip
    except Interrupted as stop:
        interrupted_by(stop, X, y, time.perf_counter() - began)
        if arguments.save is not None:
            stop.run.save(arguments.save)
            print(f"saved to {arguments.save}; --resume {arguments.save} goes on", file=sys.stderr)
        raise
    if arguments.save is not None:
        runs.save(arguments.save)
    report(runs, X, y, seconds)
    if arguments.save is not None:
        print(f"saved to {arguments.save}")
    return 0


def _map(arguments: argparse.Namespace) -> int:
    from fastxor.cli.map import draw, given, map_of
    from fastxor.cli.movie import check, film

    settings = given(arguments)
    own = arguments.figure is not None or arguments.fractal is not None
    samples = None if own else _load(arguments)
    chart = map_of(arguments, settings, samples)
    files = {"PNG": arguments.png, "--save": arguments.save, "--movie": arguments.movie}
    if (arguments.png is None) == (arguments.movie is None):
        raise ValueError("PNG must be given, or --movie, not both")
    target = None if arguments.movie is None else check(chart, arguments)
    for option, path in files.items():
        if path is not None:
            _check_writable(option, path)
    if target:
        return film(chart, target, arguments, progress=_on_terminal())
    if arguments.zoom_to is not None:
        raise ValueError("--zoom-to must go with --movie")
    return draw(chart, arguments, progress=_on_terminal())


def _bench(arguments: argparse.Namespace) -> int:
    from fastxor.cli.bench import bench

    if arguments.json is not None:
        _check_writable("--json", arguments.json)
    return bench(arguments.json, progress=_on_terminal())


def _demo(arguments: argparse.Namespace) -> int:
    from fastxor.cli.demo import three_ways

    return three_ways(progress=_on_terminal())
