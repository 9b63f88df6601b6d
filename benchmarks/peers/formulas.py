"""The formulas of training, in the terms of any framework."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastxor.benchmarking.cases import Case
from fastxor.contract.passes import Layer

Functions = dict[str, tuple[Any, Any]]
"""Of each activation: itself, and what its slope makes of the derivative by its result a."""


def functions(xp: Any) -> Functions:
    """With those of ``xp``: numpy, jax.numpy or torch."""
    return {
        "sigmoid": (lambda z: 1 / (1 + xp.exp(-z)), lambda back, a: back * (a * (1 - a))),
        "tanh": (xp.tanh, lambda back, a: back * (1 - a * a)),
        "relu": (lambda z: xp.where(z > 0, z, 0), lambda back, a: xp.where(a > 0, back, 0)),
        "identity": (lambda z: z, lambda back, a: back),
    }


class Layout(NamedTuple):
    """How samples lie, and how they are multiplied. W is always (I, O), and b (1, O).

    With samples last, all arrays may have one more dimension behind: that of networks.
    """

    sums: Callable[[Any, Any], Any]
    """Of the inputs A and W."""
    back: Callable[[Any, Any], Any]
    """Of delta and W, the derivative by A."""
    outer: Callable[[Any, Any], Any]
    """Of A and delta, the gradient of W."""
    samples: int = 0
    """The dimension of samples, 0 or 1; the other one is that of units."""


def samples_first(product: Any) -> Layout:
    """X (B, I), y (B, O)."""
    return Layout(
        product, lambda delta, W: product(delta, W.T), lambda A, delta: product(A.T, delta)
    )


class Formulas:
    """Those of a case, by hand; ``keep`` is what all that is used more than once goes through."""

    def __init__(
        self,
        case: Case,
        xp: Any,
        layout: Layout,
        functions_: Functions | None = None,
        keep: Callable[[Any], Any] = lambda array: array,
    ) -> None:
        self.case, self.xp, self.layout, self.keep = case, xp, layout, keep
        self.functions = functions(xp) | (functions_ or {})

    def layers(self, arrays: Any) -> list[Layer]:
        return self.case.architecture.layers_of(arrays)

    def gradients(self, arrays: Any, X: Any, y: Any) -> tuple[tuple[Any, ...], Any]:
        """Of ``arrays``, in their order, and the sum of the loss's terms over a batch."""
        layers = self.layers(arrays)
        *inputs, Z = self.forward(layers, X)
        of_outputs, loss = self.end(Z, y)
        gradients: list[Any] = []
        for number, delta in self.deltas(layers, inputs, of_outputs):
            of_b = [] if layers[number].b is None else [delta.sum(self.layout.samples)[None]]
            gradients = [self.layout.outer(inputs[number], delta), *of_b, *gradients]
        return tuple(gradients), loss

    def forward(self, layers: Sequence[Layer], X: Any) -> list[Any]:
        """The inputs of each layer, and Z of the last."""
        found = [X]
        for number, (W, b, function, _) in enumerate(layers, 1):
            Z = self.layout.sums(found[-1], W)
            if b is not None:
                Z = Z + (b[0][:, None] if self.layout.samples else b)
            found.append(self.keep(self.functions[function][0](Z) if number < len(layers) else Z))
        return found

    def deltas(self, layers: Sequence[Layer], inputs: Sequence[Any], delta: Any) -> Any:
        """The derivatives by Z of each layer, the last first, with the layer's number."""
        for number in range(len(layers) - 1, -1, -1):
            delta = self.keep(delta)
            yield number, delta
            if number:
                back = self.layout.back(delta, layers[number].W)
                delta = self.functions[layers[number - 1].activation][1](back, inputs[number])

    def end(self, Z: Any, y: Any) -> tuple[Any, Any]:
        """The derivative by Z of the outputs, and the sum of the loss's terms."""
        xp, output = self.xp, self.case.output
        if output == "softmax":
            Z = Z - self._over_units(xp.amax, Z)
            terms = xp.exp(Z)
            total = self._over_units(xp.sum, terms)
            return terms / total - y, (xp.log(total) - self._over_units(xp.sum, y * Z)).sum((0, 1))
        function, backward = self.functions[output]
        A = function(Z)
        error = A - y
        if self.case.loss == "log_loss":
            terms = xp.where(Z > 0, Z, 0) - y * Z + xp.log1p(xp.exp(-abs(Z)))
            return error, terms.sum((0, 1))
        return backward(error, A), (error * error).sum((0, 1))

    def _over_units(self, reduce: Any, array: Any) -> Any:
        return reduce(array, 0)[None] if self.layout.samples else reduce(array, 1)[:, None]
