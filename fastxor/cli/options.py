"""The options that commands of the command line share."""

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def error(self, message: str) -> NoReturn:
        if message.endswith(": expected one argument"):
            message += "; one that starts with a minus needs = before it"
        self.exit(2, f"{self.prog}: {message}\n")


def task_options(many: bool = False, chart: bool = False) -> Parser:
    """Data and settings of `train`, of `train_many` with seeds and learning rates, or of a map."""
    parser = Parser(add_help=False)
    source = parser.add_argument_group("data")
    source.add_argument("--problem", choices=["xor", "parity"], default="xor", help="default: xor")
    source.add_argument("--bits", type=int, default=3, metavar="N", help="of parity; default: 3")
    source.add_argument(
        "--data", metavar="FILE", help="instead: an .npz with arrays X and y, or comma-separated"
    )
    source.add_argument(
        "--targets", type=int, default=1, metavar="N", help="last columns that are y; default: 1"
    )
    settings = parser.add_argument_group("settings")
    settings.add_argument("--hidden-size", type=int, metavar="H", help="hidden units; default: 2")
    settings.add_argument("--epochs", type=int, default=10_000, metavar="N", help="default: 10000")
    if many:
        settings.add_argument(
            "--count", type=int, default=4096, metavar="N", help="of seeds; default: 4096"
        )
        settings.add_argument(
            "--first", type=int, default=0, metavar="SEED", help="the first seed; default: 0"
        )
        settings.add_argument(
            "--learning-rate", type=float, nargs="+", default=[0.1], metavar="RATE",
            help="one or several; default: 0.1",
        )  # fmt: skip
    else:
        settings.add_argument(
            "--seed", type=int, default=42, metavar="N",
            help="of starting weights and shuffling; default: 42",
        )  # fmt: skip
        if not chart:
            settings.add_argument(
                "--initial", metavar="FILE", help="start from a saved network, not from a seed"
            )
        settings.add_argument(
            "--learning-rate", type=float, default=0.1, metavar="RATE", help="default: 0.1"
        )
    settings.add_argument(
        "--init", choices=["randn", "uniform"], default="randn",
        help="distribution of the starting weights; default: randn, biases zero",
    )  # fmt: skip
    settings.add_argument(
        "--init-range", type=float, metavar="R", help="uniform from -R to R, biases too"
    )
    settings.add_argument("--momentum", type=float, default=0.0, metavar="M", help="default: 0")
    settings.add_argument(
        "--batch-size", type=int, metavar="N", help="samples an update; default: all of them"
    )
    settings.add_argument(
        "--shuffle", action="store_true", help="take the samples in another order each epoch"
    )
    settings.add_argument(
        "--threads", type=int, metavar="N", help="at most; default: as many as there are cores"
    )
    settings.add_argument(
        "--tolerance", type=float, default=0.5 if many or chart else None, metavar="T",
        help="solved: each output is nearer to its target; default: "
        + ("0.5" if many or chart else "do not look"),
    )  # fmt: skip
    if not chart:
        settings.add_argument(
            "--stop-when-solved", action="store_true", help="leave a network as it was when solved"
        )
    settings.add_argument(
        "--dtype", choices=["float64", "float32"],
        help="default: float64" + ("" if many or chart else ", or that of --initial"),
    )  # fmt: skip
    return parser


def map_options() -> Parser:
    """Data, settings and axes of a map.

    Those that are not given are None, so that a figure's own may stand; ``defaults`` has what
    counts without a figure.
    """
    parser = task_options(chart=True)
    defaults = vars(parser.parse_args([]))
    parser.set_defaults(**dict.fromkeys(defaults), defaults=defaults)
    chart = parser.add_argument_group(
        "map",
        "NAME is learning-rate, momentum, init-range, seed or a starting weight, counted from 0: "
        "W1[i,j] from input i to hidden unit j, b1[j] its bias, W2[j,k] from there to output k, "
        "b2[k] its bias.",
    )
    chart.add_argument(
        "--figure", type=int, choices=[3, 11, 26],
        help="a classic of Kolen and Pollack (1990), with its own data, weights and settings",
    )  # fmt: skip
    for name, where in (("--x", "across"), ("--y", "up")):
        chart.add_argument(
            name, metavar="NAME=LOW:HIGH[:log]",
            help=f"what varies {where}, in equal steps, or ratios with :log; of seeds, all",
        )  # fmt: skip
    chart.add_argument(
        "--weights", metavar="W,W,...",
        help="start from these, not from a seed: for each hidden unit its weights and its bias, "
        "then for each output its weights and its bias; --weights=-1,... if the first is negative",
    )  # fmt: skip
    chart.add_argument(
        "--zoom", metavar="X0:X1,Y0:Y1", help="other lows and highs; --zoom=-1:... if negative"
    )
    chart.add_argument(
        "--size", default="200", metavar="N|WxH", help="networks across and up; default: 200"
    )
    chart.add_argument("--grey", action="store_true", help="greys in place of colours")
    chart.add_argument(
        "--save", metavar="FILE",
        help="write axes, solved_at, final_loss and settings to FILE (.npz, for numpy.load)",
    )  # fmt: skip
    return parser
