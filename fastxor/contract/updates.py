"""The updates of the contract: what the gradient of a batch does, and what goes on from it.

Parameters and gradients are in one array, (size,): W1, b1, ..., WL, bL, one after another.
"""

from typing import Any

import numpy as np

from fastxor.contract.functions import Array


def momentum_step(
    velocity: Array, gradient: Array, rate: Any, momentum: Any, nesterov: bool
) -> tuple[Array, Array]:
    """The new velocity, and what is to be subtracted from the parameters.

    B. T. Polyak, 1964; ``nesterov`` in the form of I. Sutskever and others, 2013.
    """
    velocity = momentum * velocity + rate * gradient
    return velocity, momentum * velocity + rate * gradient if nesterov else velocity


def adam_step(
    adam: Array, gradient: Array, rate: Any, betas: Array, epsilon: Any
) -> tuple[Array, Array]:
    """What Adam carries on, and what is to be subtracted from the parameters.

    It carries, (2 * size + 2,), the means of gradients, those of their squares, and two decays,
    beta1 and beta2 to the power of the updates so far, a multiplication an update. D. P. Kingma and
    J. Ba, 2015, in the order of operations of the end of their section 2. Square roots and
    divisions are rounded as IEEE-754 says.
    """
    one, size = betas.dtype.type(1), len(gradient)
    decays = adam[-2:] * betas
    rate = rate * (np.sqrt(one - decays[1]) / (one - decays[0]))
    means = betas[0] * adam[:size] + (one - betas[0]) * gradient
    squares = betas[1] * adam[size:-2] + (one - betas[1]) * (gradient * gradient)
    step = (rate * means) / (np.sqrt(squares) + epsilon)
    return np.concatenate([means, squares, decays]), step
