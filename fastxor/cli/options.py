"""The options that commands of the command line share."""

import argparse
import contextlib
import csv
from typing import Any, NoReturn

from fastxor.networks.architecture import OUTPUTS
from fastxor.networks.starting import INITS
from fastxor.runs.optimizers import OF_ADAM, OPTIMIZERS, REDUCTIONS
from fastxor.runs.settings import LOSSES


class Parser(argparse.ArgumentParser):
    """Errors are one line; descriptions and examples keep theirs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        if message.endswith(": expected one argument"):
            message += "; one that starts with a minus needs = before it"
        self.exit(2, f"{self.prog}: {message}\n")


def _sizes(text: str) -> int | tuple[int, ...]:
    """2, 16,16 or none."""
    try:
        sizes = () if text == "none" else tuple(int(size) for size in text.split(","))
    except ValueError:
        expected = "hidden units, such as 2, or 16,16 in two layers, or none"
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}") from None
    return sizes[0] if len(sizes) == 1 else sizes


def _targets(text: str) -> int | tuple[str, ...]:
    """A number, or names with commas between them, in quotes if they have some or are numbers."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(csv.Error):
        names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
        if names and all(names):
            return tuple(names)
    expected = "a number of columns, or their names with commas between them"
    raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")


def _names(text: str) -> str | tuple[str, ...]:
    """One, or several with commas between them."""
    names = tuple(text.split(","))
    return names[0] if len(names) == 1 else names


def _numbers(path: str) -> tuple[float, ...]:
    """Those in a file, with white space or commas between them."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return tuple(map(float, file.read().replace(",", " ").split()))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{path} must hold numbers: {error}") from None


def _factors(text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        expected = "factors with commas between them, such as 1,0.1"
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}") from None


def epochs(text: str) -> tuple[int, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        expected = "epochs with commas between them, such as 0,10,100"
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}") from None


def task_options(many: bool = False, chart: bool = False) -> Parser:
    """Data and settings of `train`, of `train_many` with seeds and learning rates, or of a map."""
    parser = Parser(add_help=False)
    source = parser.add_argument_group("data")
    source.add_argument("--problem", choices=["xor", "parity"], default="xor", help="default: xor")
    source.add_argument("--bits", type=int, default=3, metavar="N", help="of parity; default: 3")
    source.add_argument(
        "--data", metavar="FILE",
        help="instead: an .npz with arrays X and y, or a table; comma-separated numbers, or, with "
        "fastxor[table], names, labels and semicolons or tabs, too; -: from standard input",
    )  # fmt: skip
    source.add_argument(
        "--sample-weight", type=_numbers, metavar="FILE",
        help="numbers, what each sample counts; default: all the same",
    )  # fmt: skip
    source.add_argument(
        "--targets", type=_targets, default=1, metavar="N|NAME,NAME,...",
        help="of a table: how many last columns are y, or their names; default: 1. Labels become "
        "classes, of two 0 and 1, of more, and with --output softmax, a column of 0 and 1 each",
    )  # fmt: skip
    if not chart:
        source.add_argument(
            "--validation", metavar="FILE",
            help="samples that are held out, as those of --data: their loss is told, and the "
            "network with the least is kept",
        )  # fmt: skip
        source.add_argument(
            "--validate-every", type=int, default=1, metavar="K",
            help="epochs from one validation to the next; default: 1",
        )  # fmt: skip
        source.add_argument(
            "--patience", type=int, metavar="P",
            help="stop after P validations without a loss below the least",
        )  # fmt: skip
    settings = parser.add_argument_group("settings")
    like = "" if many or chart else ", or as in --initial"
    settings.add_argument(
        "--hidden-size", type=_sizes, metavar="H|H,H,...|none",
        help="hidden units, as 2, or of several layers, as 16,16; none: no hidden layer; "
        f"default: 2{like}",
    )  # fmt: skip
    settings.add_argument(
        "--activation", type=_names, metavar="NAME|NAME,NAME,...",
        help="of hidden layers, one for all or one each: sigmoid, tanh, relu or identity; "
        f"default: sigmoid{like}",
    )  # fmt: skip
    settings.add_argument(
        "--output", choices=OUTPUTS, help=f"activation of outputs; default: sigmoid{like}"
    )
    settings.add_argument(
        "--loss", choices=LOSSES, default="mse",
        help="mse, or log_loss with sigmoid or softmax outputs; default: mse",
    )  # fmt: skip
    settings.add_argument(
        "--no-bias", dest="bias", action="store_const", const=False,
        help=f"layers without biases; default: with biases{like}",
    )  # fmt: skip
    settings.add_argument(
        "--scales", type=_factors, metavar="F,F,...",
        help="multiply the sums of each layer by these numbers, before its activation",
    )  # fmt: skip
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
        "--init", choices=INITS, default="randn",
        help="of weights; default: randn; biases start at 0, but with uniform as weights do",
    )  # fmt: skip
    settings.add_argument(
        "--init-range", type=float, metavar="R", help="uniform from -R to R, biases too"
    )
    settings.add_argument("--momentum", type=float, default=0.0, metavar="M", help="default: 0")
    settings.add_argument(
        "--nesterov", action="store_true", help="momentum with a look ahead, as of Nesterov"
    )
    settings.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="sgd",
        help="sgd: gradient descent, perhaps with momentum; or adam; default: sgd",
    )  # fmt: skip
    for name, default in OF_ADAM.items():
        settings.add_argument(
            f"--{name}", type=float, metavar="B" if name != "epsilon" else "E",
            help=f"of adam; default: {default:g}",
        )  # fmt: skip
    settings.add_argument(
        "--l2", type=float, default=0.0, metavar="L",
        help="add L times each weight to its gradient; default: 0",
    )  # fmt: skip
    settings.add_argument(
        "--layer-rates", type=_factors, metavar="F,F,...",
        help="multiply the learning rate by these factors, one for each layer",
    )  # fmt: skip
    settings.add_argument(
        "--reduction", choices=REDUCTIONS, default="sum",
        help="of gradients over the samples of a batch: sum or mean; default: sum",
    )  # fmt: skip
    settings.add_argument(
        "--schedule", type=_numbers, metavar="FILE",
        help="multiply the learning rate by the numbers in FILE, one for each epoch",
    )  # fmt: skip
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
