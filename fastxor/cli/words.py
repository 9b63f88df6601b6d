"""What commands tell of networks: what they are, what they say, and whether they have learned."""

from collections.abc import Sequence

import numpy as np

from fastxor.cli.samples import Samples
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from fastxor.networks.predictions import classes_of
from fastxor.runs.run import Run
from fastxor.runs.settings import Settings

# what right and wrong samples have
SIGMOID = "are on the right side of 0.5", "are on the wrong side of 0.5"
SOFTMAX = "have their largest output at their class", "have their largest output at another class"


def kind_of(architecture: Architecture, settings: Settings) -> str:
    """2-2-1, and what is not as in the tutorial: 2-3-1 tanh-sigmoid without biases, log loss."""
    as_there = architecture == Architecture.of(architecture.sizes)
    text = "-".join(map(str, architecture.sizes)) if as_there else str(architecture)
    return text if settings.loss == "mse" else f"{text}, {settings.loss.replace('_', ' ')}"


def print_validation(run: Run) -> None:
    """The last loss of samples that are held out, and the least."""
    if run.validation_losses is None or not len(run.validation_losses):
        return
    settings, losses = run.settings, run.validation_losses
    last = len(losses) * settings.validate_every
    text = f"Validation loss {losses[-1]:.5f} after {last:,} epochs"
    if run.best_epoch:
        least = losses[settings.validations(run.best_epoch) - 1]
        text += f"; least {least:.5f} after {run.best_epoch:,}, of the network that follows"
    print(f"{text}.")
    if len(run.losses) < settings.epochs and last == (run.best_epoch or 0) + settings.waits:
        print(f"Stopped: {settings.patience} validations were no better.")


def classes_in_words(samples: Samples) -> str:
    """Which label has which number."""
    numbered = ", ".join(f"{number} {label}" for number, label in enumerate(samples.classes or ()))
    return f"Classes: {numbered}."


def print_predictions(run: Run, network: Network, samples: Samples, from_seed: bool) -> None:
    """Outputs, classes where they tell some, and the verdict."""
    X, y = samples.X, np.reshape(samples.y, (len(samples.X), -1))
    outputs, output = network.predict_proba(X), network.output
    rows = min(len(X), 16)
    classes = output in ("sigmoid", "softmax")
    if samples.classes is not None:
        print(classes_in_words(samples))
    both = "Outputs and predictions" if classes else "Outputs"
    print(both + (f" of the first {rows} samples:" if rows < len(X) else ":"))
    said = _said(outputs[:rows], output, samples.classes)
    for inputs, values, answer in zip(X[:rows], outputs[:rows], said, strict=True):
        line = f"  {_row(inputs)}  ->  {' '.join(f'{value:.4f}' for value in values)}"
        print(f"{line}  {answer}" if classes else line)
    wrong = wrong_samples(outputs, y, output)
    if wrong is not None:
        print(_verdict(wrong, SOFTMAX if output == "softmax" else SIGMOID, run, from_seed))
    elif not classes:
        print(f"Largest error of an output: {np.abs(outputs - y).max():.4g}.")


def _said(outputs: Array, output: str, classes: Sequence[str] | None) -> list[str]:
    """What a network says, of each sample: the label, where there is one for sure, or numbers."""
    answers = classes_of(outputs, output)
    if classes and output == "softmax":
        return [classes[number] for number in answers.argmax(axis=1)]
    if classes and output == "sigmoid" and answers.shape[1] == 1:
        return [classes[number] for number in answers[:, 0]]
    return [" ".join(map(str, row)) for row in answers]


def wrong_samples(outputs: Array, y: Array, output: str) -> Array | None:
    """(n,): which are told wrong? None where outputs or targets are no classes."""
    if output == "softmax":
        return np.asarray(outputs.argmax(axis=1) != y.argmax(axis=1))
    if output == "sigmoid" and np.isin(y, (0, 1)).all():
        return np.asarray(((outputs > 0.5) != y).any(axis=1))
    return None


def _row(inputs: Array) -> str:
    shown = " ".join(f"{value:g}" for value in inputs[:8])
    return shown + (" ..." if len(inputs) > 8 else "")


def _verdict(wrong: Array, what: tuple[str, str], run: Run, from_seed: bool) -> str:
    """``wrong`` (n,); ``what`` right and wrong samples have."""
    right, other = what
    if not wrong.any():
        return f"Learned: all {len(wrong)} samples {right}."
    verdict = f"Not learned: {wrong.sum()} of {len(wrong)} samples {other}."
    if not from_seed:
        return f"{verdict} More epochs may help."
    seed, units = run.settings.seed + 1, run.network.sizes[1:-1] or (1,)
    hidden_size = ",".join(str(2 * size) for size in units)
    return (
        f"{verdict} More epochs may help,\nor not: gradient descent can end in a place that is no "
        f"solution, depending on the\nstarting weights. Try another seed (--seed {seed}) or more "
        f"hidden units (--hidden-size {hidden_size})."
    )
