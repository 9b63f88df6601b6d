"""The options of ``fastxor map``."""

from fastxor.cli.options import Parser, task_options


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
        "NAME is learning-rate, momentum, beta1, beta2, epsilon, l2, init-range, seed;\n"
        "learning-rate1, learning-rate2 and so on, a factor of the layer's own; a\n"
        "starting weight, counted from 0: W1[i,j] from input i to unit j of the first\n"
        "layer, b1[j] its bias, W2[j,k] from there to unit k of the second, b2[k] its\n"
        "bias, and so on, up to the outputs; or W1, b1 and so on, a number that is\n"
        "added to all of them.",
    )
    chart.add_argument(
        "--figure", type=int, choices=[3, 11, 26],
        help="a classic of Kolen and Pollack (1990), with its own data, weights and settings",
    )  # fmt: skip
    chart.add_argument(
        "--fractal", choices=["tanh", "relu", "identity", "minibatch", "single", "offset"],
        help="the boundary of trainability of 16-16-1 as Sohl-Dickstein (2024) drew it, over the "
        "learning rates of both layers, or an offset of the first layer's weights",
    )  # fmt: skip
    for name, where in (("--x", "across"), ("--y", "up")):
        chart.add_argument(
            name, metavar="NAME=LOW:HIGH[:log]",
            help=f"what varies {where}, in equal steps, or ratios with :log; of seeds, all",
        )  # fmt: skip
    chart.add_argument(
        "--weights", metavar="W,W,...",
        help="start from these, not from a seed: for each unit of the first layer its weights and "
        "its bias, then of the next, up to the outputs; --weights=-1,... if the first is negative",
    )  # fmt: skip
    chart.add_argument(
        "--zoom", metavar="X0:X1,Y0:Y1", help="other lows and highs; --zoom=-1:... if negative"
    )
    chart.add_argument(
        "--size", default="200", metavar="N|WxH", help="networks across and up; default: 200"
    )
    chart.add_argument(
        "--store", metavar="DIR",
        help="write results to DIR on the way: after Ctrl-C, the same command goes on",
    )  # fmt: skip
    chart.add_argument(
        "--movie", metavar="FILE",
        help="with --zoom-to: a picture for each of --frames, to FILE (.gif, or .mp4 with ffmpeg) "
        "instead of PNG; after Ctrl-C, the same command goes on",
    )  # fmt: skip
    chart.add_argument(
        "--zoom-to", metavar="X,Y", help="where the movie ends; --zoom-to=-1,... if negative"
    )
    chart.add_argument("--frames", type=int, default=60, metavar="N", help="default: 60")
    chart.add_argument(
        "--zoom-by", type=float, default=0.8, metavar="F",
        help="what a frame shows of that before, along each axis; default: 0.8",
    )  # fmt: skip
    chart.add_argument("--grey", action="store_true", help="greys in place of colours")
    chart.add_argument(
        "--save", metavar="FILE",
        help="write axes, solved_at, or reduced of a fractal, final_loss and settings to FILE "
        "(.npz, for numpy.load)",
    )  # fmt: skip
    return parser
