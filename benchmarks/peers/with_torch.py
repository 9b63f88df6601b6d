"""The same training in PyTorch."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.adam import BETAS, rule_of_torch
from benchmarks.peers.formulas import Formulas, Functions, samples_first
from fastxor.benchmarking.case import EPSILON
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """Eager by autograd and by hand, and compiled by hand: with its own C++ it needs a compiler.

    One thread is tried too: with more, every batch waits for a core that is busy elsewhere.
    """
    import torch

    rate = case.learning_rate
    batches = [(torch.from_numpy(X), torch.from_numpy(y)) for X, y in case.batches()]
    start = tuple(map(torch.from_numpy, case.start.arrays))

    def autograd() -> list[Any]:
        network, objective, factor = modules(torch, case, start)
        if case.optimizer == "adam":  # which does not care about factors
            own = {"lr": rate, "betas": BETAS, "eps": EPSILON, "fused": True}
            optimizer = torch.optim.Adam(network.parameters(), **own)
        else:
            optimizer = torch.optim.SGD(network.parameters(), lr=rate / factor)
        losses = []
        for _ in range(epochs):
            terms = []
            for X, y in batches:
                optimizer.zero_grad()
                loss = objective(network(X), y)
                loss.backward()
                optimizer.step()
                terms.append(loss.detach())
            losses.append(torch.stack(terms).sum())
        return losses

    eager = Formulas(case, torch, samples_first(torch.mm), _functions(torch))
    compiled = Formulas(
        case, torch, samples_first(partial(_product, torch)),
        {"sigmoid": (torch.sigmoid, lambda back, a: back * (a * (1 - a)))},
    )  # fmt: skip

    state_of, update = rule_of_torch(torch, case)

    def to_compile(parameters: Any, X: Any, y: Any, steps: int = 1) -> Any:
        parameters, state = parameters
        losses = []
        for _ in range(steps):
            gradients, loss = compiled.gradients(parameters, X, y)
            parameters, state = update(parameters, state, gradients)
            losses.append(loss)
        return (parameters, state), torch.stack(losses)

    def by_hand(parameters: Any, X: Any, y: Any) -> Any:
        *parameters, loss = _step(torch, eager, *parameters[0], X, y)
        return (parameters, ()), loss

    def loop(step: Any, ten: Any = None) -> Callable[[], list[Any]]:
        def train() -> list[Any]:
            parameters, losses = (list(start), state_of(start)), []
            with torch.inference_mode():
                if ten:  # epochs in one call
                    for _ in range(epochs // 10):
                        parameters, ten_losses = ten(parameters, *batches[0])
                        losses.extend(ten_losses.unbind())
                for _ in range(epochs - len(losses)):
                    terms = []
                    for X, y in batches:
                        parameters, loss = step(parameters, X, y)
                        terms.append(loss.view(()))
                    losses.append(torch.stack(terms).sum())
            return losses

        return train

    def with_threads(threads: int, train: Callable[[], list[Any]]) -> Training:
        def training() -> Array:
            torch.set_num_threads(threads)
            losses: Array = torch.stack(train()).numpy()
            return losses / np.dtype(case.dtype).type(case.terms)

        return training

    loops = {"autograd": autograd}
    if case.optimizer == "sgd":
        loops["by hand"] = loop(by_hand)
    if compile_ := compiler(torch):
        loops["compiled"] = loop(compile_(to_compile))
        if len(batches) == 1 and case.n * max(case.sizes) <= 64:
            ten = compile_(partial(to_compile, steps=10))
            loops["compiled, ten epochs a call"] = loop(compile_(to_compile), ten)
    large = len(batches[0][0]) >= 256
    return {
        f"{label}, {threads} thread{'s' * (threads > 1)}": with_threads(threads, train)
        for threads in ({1, CORES} if large else {1})
        for label, train in loops.items()
    }


def compiler(torch: Any) -> Any:
    """PyTorch's, which needs one of C++; None where there is none."""
    if not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
        return None
    torch._dynamo.config.recompile_limit = 10**6  # each case and thread count takes one
    return partial(torch.compile, fullgraph=True, dynamic=False)


def modules(torch: Any, case: Case, start: Any) -> tuple[Any, Any, float]:
    """The network, what its gradients are those of, and how many times ours they are."""
    names = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
    network, rest = torch.nn.Sequential(), iter(start)
    for I, O, function, has_bias, _ in case.architecture.layers:
        layer = torch.nn.Linear(I, O, bias=has_bias).to(start[0].dtype)
        with torch.no_grad():
            layer.weight.copy_(next(rest).T)
            if has_bias:
                layer.bias.copy_(next(rest)[0])
        network.append(layer)
        if function in names:
            network.append(names[function]())
    if case.output == "softmax":
        return network, torch.nn.CrossEntropyLoss(reduction="sum"), 1
    if case.loss == "log_loss":
        return network[:-1], torch.nn.BCEWithLogitsLoss(reduction="sum"), 1
    return network, torch.nn.MSELoss(reduction="sum"), 2


def _functions(torch: Any) -> Functions:
    """Each in a call, and so its slope."""
    aten = torch.ops.aten
    return {
        "sigmoid": (torch.sigmoid, aten.sigmoid_backward),
        "tanh": (torch.tanh, aten.tanh_backward),
        "relu": (torch.relu, lambda back, a: aten.threshold_backward(back, a, 0)),
    }


def _step(torch: Any, formulas: Formulas, *arguments: Any) -> Any:
    """The parameters after a batch and the sum of the loss's terms, in as few calls as we know."""
    *parameters, X, y = arguments
    case, layers, inputs = formulas.case, formulas.layers(parameters), [X]
    rate = case.learning_rate
    for number, (W, b, function, _) in enumerate(layers, 1):
        Z = inputs[-1] @ W if b is None else torch.addmm(b, inputs[-1], W)
        if number < len(layers):
            inputs.append(formulas.functions[function][0](Z))
    if case.output == "softmax":
        logs = torch.log_softmax(Z, 1)
        of_outputs, loss = logs.exp() - y, -torch.dot(logs.view(-1), y.view(-1))
    elif case.loss == "log_loss":
        of_outputs, loss = formulas.end(Z, y)
    else:
        function, backward = formulas.functions[case.output]
        A = function(Z)
        error = A - y
        of_outputs, loss = backward(error, A), torch.dot(error.view(-1), error.view(-1))
    found: list[Any] = []
    for number, delta in formulas.deltas(layers, inputs, of_outputs):
        W, b, *_ = layers[number]
        of_b = [] if b is None else [torch.sub(b, delta.sum(0, True), alpha=rate)]
        W = torch.addmm(W, inputs[number].T, delta, alpha=-rate)
        found = [W, *of_b, *found]
    return *found, loss


def _product(torch: Any, A: Any, B: Any) -> Any:
    """Small ones written out: the compiler merges them with the rest."""
    if B.shape[1] == 1:
        return (A * B.T).sum(1, True)
    if A.shape[1] <= 8:
        return sum(A[:, k, None] * B[k] for k in range(len(B)))
    if len(A) <= 8:
        return torch.stack([(row[:, None] * B).sum(0) for row in A])
    return A @ B
