"""Updates of the peers: gradient descent, or Adam by hand and by their own libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastxor.benchmarking.case import EPSILON
from fastxor.benchmarking.cases import Case

BETAS = 0.9, 0.999
Rule = tuple[Callable[[Any], Any], Callable[[Any, Any, Any], Any]]
"""Of parameters, what goes on with them; of both and gradients, both after an update."""


def rules_of_jax(case: Case) -> dict[str, Rule]:
    """By label, "" for gradient descent."""
    import jax

    T = np.dtype(case.dtype).type
    rate = T(case.learning_rate)

    def descend(w: Any, state: Any, gradients: Any) -> Any:
        return jax.tree.map(lambda w, g: w - rate * g, w, gradients), state

    if case.optimizer == "sgd":
        return {"": (lambda w: (), descend)}
    import optax

    (beta1, beta2), one, epsilon = map(T, BETAS), T(1), T(EPSILON)
    own = optax.adam(rate, *BETAS, eps=EPSILON)

    def by_optax(w: Any, state: Any, gradients: Any) -> Any:
        steps, state = own.update(gradients, state, w)
        return optax.apply_updates(w, steps), state

    def zeros(w: Any) -> Any:
        nothing = jax.tree.map(jax.numpy.zeros_like, w)
        return nothing, nothing, one, one

    def by_hand(w: Any, state: Any, gradients: Any) -> Any:
        means, squares, decay1, decay2 = state
        decay1, decay2 = decay1 * beta1, decay2 * beta2
        now = rate * (jax.numpy.sqrt(one - decay2) / (one - decay1))
        means = jax.tree.map(lambda m, g: beta1 * m + (one - beta1) * g, means, gradients)
        squares = jax.tree.map(lambda s, g: beta2 * s + (one - beta2) * (g * g), squares, gradients)
        w = jax.tree.map(
            lambda w, m, s: w - now * m / (jax.numpy.sqrt(s) + epsilon), w, means, squares
        )
        return w, (means, squares, decay1, decay2)

    return {"Adam by hand": (zeros, by_hand), "optax": (own.init, by_optax)}


def rule_of_torch(torch: Any, case: Case) -> Rule:
    """By hand, of lists of tensors."""
    rate, (beta1, beta2) = case.learning_rate, BETAS

    def descend(w: Any, state: Any, gradients: Any) -> Any:
        return [w - rate * g for w, g in zip(w, gradients, strict=True)], state

    def zeros(w: Any) -> Any:
        one = torch.ones((), dtype=w[0].dtype)
        return [torch.zeros_like(a) for a in w], [torch.zeros_like(a) for a in w], one, one

    def adam(w: Any, state: Any, gradients: Any) -> Any:
        means, squares, decay1, decay2 = state
        decay1, decay2 = decay1 * beta1, decay2 * beta2
        now = rate * (torch.sqrt(1 - decay2) / (1 - decay1))
        means = [beta1 * m + (1 - beta1) * g for m, g in zip(means, gradients, strict=True)]
        squares = [
            beta2 * s + (1 - beta2) * (g * g) for s, g in zip(squares, gradients, strict=True)
        ]
        w = [
            w - now * m / (torch.sqrt(s) + EPSILON)
            for w, m, s in zip(w, means, squares, strict=True)
        ]
        return w, (means, squares, decay1, decay2)

    return (lambda w: (), descend) if case.optimizer == "sgd" else (zeros, adam)
