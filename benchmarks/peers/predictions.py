"""The outputs of a network for samples, in each peer; see `benchmarks.peers` for the rest."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.formulas import Formulas, samples_first
from benchmarks.peers.with_jax import import_jax, no_dots
from benchmarks.peers.with_numpy import FUNCTIONS
from benchmarks.peers.with_torch import CORES, compiler, modules
from fastxor.benchmarking.cases import Case
from fastxor.common.checks import Array

Prediction = Callable[[], Array]


def with_numpy(case: Case) -> dict[str, Prediction]:
    """The formulas as one would write them, and without any new array."""
    X, start = case.data()[0], list(case.start.arrays)
    formulas = Formulas(case, np, samples_first(np.dot))

    def plain() -> Array:
        return _ended(case, np, formulas.forward(formulas.layers(start), X)[-1])

    layers = formulas.layers(start)
    work = [tuple(np.empty((case.n, O), case.dtype) for _ in range(2)) for O in case.sizes[1:]]

    def in_place() -> Array:
        A = X
        for (W, b, function, _), (Z, own) in zip(layers, work, strict=True):
            np.dot(A, W, Z)
            if b is not None:
                np.add(Z, b, Z)
            if function == "softmax":
                np.subtract(Z, Z.max(1, keepdims=True), Z)
                np.exp(Z, own)
                np.divide(own, own.sum(1, keepdims=True), own)
            else:
                FUNCTIONS[function](Z, own)
            A = own
        return A

    return {"plain": plain, "in place": in_place}


def with_jax(case: Case) -> dict[str, Prediction]:
    """Compiled, with samples first and last."""
    jax = import_jax()
    X, start = case.data()[0], case.start.arrays
    found = {}
    for label, layout in (("", samples_first(jax.numpy.dot)), (", no dots", no_dots(jax.numpy))):
        formulas = Formulas(case, jax.numpy, layout)

        def predict(parameters: Any, X: Any, formulas: Formulas = formulas) -> Any:
            X = X.T if formulas.layout.samples else X
            Z = formulas.forward(formulas.layers(parameters), X)[-1]
            return _ended(case, jax.numpy, Z.T if formulas.layout.samples else Z)

        compiled = jax.jit(predict)
        parameters, on_device = jax.device_put((start, X))
        found[f"compiled{label}"] = lambda compiled=compiled, p=parameters, x=on_device: np.asarray(
            compiled(p, x)
        )
    return found


def with_torch(case: Case) -> dict[str, Prediction]:
    """Modules without gradients, and compiled where there is a compiler; one thread, and all."""
    import torch

    X = torch.from_numpy(case.data()[0])
    network = modules(torch, case, tuple(map(torch.from_numpy, case.start.arrays)))[0]
    if case.output == "softmax":
        network.append(torch.nn.Softmax(1))
    forms = {"modules": network}
    if compile_ := compiler(torch):
        forms["compiled"] = compile_(network)

    def predicting(form: Any, threads: int) -> Prediction:
        def predict() -> Array:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                outputs: Array = form(X).numpy()
            return outputs

        return predict

    return {
        f"{label}, {threads} thread{'s' * (threads > 1)}": predicting(form, threads)
        for threads in sorted({1, CORES})
        for label, form in forms.items()
    }


def with_scikit_learn(case: Case) -> dict[str, Prediction]:
    """A regressor with the network's weights and functions."""
    from sklearn.neural_network import MLPRegressor

    names = {"sigmoid": "logistic"}
    X, y = case.data()
    hidden = names.get(str(case.activation), case.activation)
    model = MLPRegressor(hidden_layer_sizes=case.sizes[1:-1], activation=hidden, solver="sgd")
    model.partial_fit(X[:4], y[:4].ravel() if y.shape[1] == 1 else y[:4])
    layers = case.start.layers
    model.coefs_ = [np.ascontiguousarray(W) for W, *_ in layers]
    model.intercepts_ = [b[0] for _, b, *_ in layers if b is not None]
    model.out_activation_ = names.get(case.output, case.output)
    return {"MLPRegressor": lambda: model.predict(X).reshape(y.shape)}


def _ended(case: Case, xp: Any, Z: Any) -> Any:
    """The outputs of Z (n, O)."""
    if case.output == "softmax":
        terms = xp.exp(Z - Z.max(1, keepdims=True))
        return terms / terms.sum(1, keepdims=True)
    return {"sigmoid": lambda: 1 / (1 + xp.exp(-Z)), "identity": lambda: Z}[case.output]()


PREDICTIONS = {
    "NumPy": with_numpy, "JAX": with_jax, "PyTorch": with_torch, "scikit-learn": with_scikit_learn,
}  # fmt: skip
