"""``fastxor export``: a saved network for other programs."""

import argparse
import os
from typing import Any

from fastxor.cli.examples import EXAMPLES
from fastxor.networks.network import Network


def add_export(commands: Any) -> None:
    """Make ``export`` one of the ``commands`` of a parser."""
    parser = commands.add_parser(
        "export",
        help="write a saved network as C or ONNX, for other programs",
        description="Write a saved network as a C99 file without dependencies, whose function has\n"
        "the bits of fastxor's predictions, or as a model of ONNX.",
        epilog=EXAMPLES["export"],
    )
    parser.add_argument("network", metavar="NETWORK", help="an .npz, as train --save writes it")
    parser.add_argument("out", metavar="OUT", help="the file to write, by its ending: .c or .onnx")
    parser.add_argument(
        "--name", metavar="NAME", help="of the function in a .c file; default: predict"
    )
    parser.set_defaults(command=export)


def export(arguments: argparse.Namespace) -> int:
    """Write the file; returns the exit status."""
    ending = os.path.splitext(arguments.out)[1]
    if ending not in (".c", ".onnx"):
        raise ValueError(f"OUT must end in .c or .onnx, got {arguments.out}")
    if ending == ".onnx" and arguments.name is not None:
        raise ValueError("--name must go with a .c file")
    network = Network.load(arguments.network)
    if ending == ".c":
        network.to_c(arguments.out, name="predict" if arguments.name is None else arguments.name)
    else:
        network.to_onnx(arguments.out)
    print(f"{network.architecture}, {network.dtype.__name__}: written to {arguments.out}")
    return 0
