"""The same training in PyTorch."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.formulas import gradients_by_hand
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """Eager by autograd and by hand, and compiled by hand: with its own C++ it needs a compiler.

    One thread is tried too: with more, every batch waits for a core that is busy elsewhere.
    """
    import torch

    I, H, O = case.sizes
    dtype, rate = getattr(torch, case.dtype), case.learning_rate
    batches = [(torch.from_numpy(X), torch.from_numpy(y)) for X, y in case.batches()]
    start = tuple(map(torch.from_numpy, case.start.arrays))

    def autograd() -> list[Any]:
        layers = torch.nn.Linear(I, H), torch.nn.Linear(H, O)
        network = torch.nn.Sequential(layers[0], torch.nn.Sigmoid(), layers[1], torch.nn.Sigmoid())
        network.to(dtype)
        with torch.no_grad():
            for layer, W, b in zip(layers, start[::2], start[1::2], strict=True):
                layer.weight.copy_(W.T)
                layer.bias.copy_(b[0])
        # the error's gradients are twice those of the other engines
        optimizer = torch.optim.SGD(network.parameters(), lr=rate / 2)
        square = torch.nn.MSELoss(reduction="sum")
        losses = []
        for _ in range(epochs):
            errors = []
            for X, y in batches:
                optimizer.zero_grad()
                error = square(network(X), y)
                error.backward()
                optimizer.step()
                errors.append(error.detach())
            losses.append(torch.stack(errors).sum())
        return losses

    def by_hand(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, y: Any) -> Any:
        A1 = torch.sigmoid(torch.addmm(b1, X, W1))
        A2 = torch.sigmoid(torch.addmm(b2, A1, W2))
        error = A2 - y
        delta2 = torch.ops.aten.sigmoid_backward(error, A2)
        delta1 = torch.ops.aten.sigmoid_backward(delta2 @ W2.T, A1)
        return (
            torch.addmm(W1, X.T, delta1, alpha=-rate),
            torch.sub(b1, delta1.sum(0, True), alpha=rate),
            torch.addmm(W2, A1.T, delta2, alpha=-rate),
            torch.sub(b2, delta2.sum(0, True), alpha=rate),
            torch.dot(error.view(-1), error.view(-1)),
        )

    def product(A: Any, B: Any) -> Any:  # written out, the compiler merges it with the rest
        if I + O > 8:
            return A @ B
        if B.shape[1] == 1:
            return (A * B.T).sum(1, True)
        if A.shape[1] <= 4:
            return sum(A[:, k, None] * B[k] for k in range(len(B)))
        return torch.stack([(row[:, None] * B).sum(0) for row in A])

    def to_compile(*arguments: Any, steps: int = 1) -> Any:
        *parameters, X, y = arguments
        errors = []
        for _ in range(steps):
            gradients, error = gradients_by_hand(torch.sigmoid, product, parameters, X, y)
            parameters = [w - rate * g for w, g in zip(parameters, gradients, strict=True)]
            errors.append(error)
        return *parameters, torch.stack(errors)

    def loop(step: Any, ten: Any = None) -> Callable[[], list[Any]]:
        def train() -> list[Any]:
            parameters, losses = start, []
            with torch.inference_mode():
                if ten:  # epochs in one call
                    for _ in range(epochs // 10):
                        *parameters, errors = ten(*parameters, *batches[0])
                        losses.extend(errors.unbind())
                for _ in range(epochs - len(losses)):
                    errors = []
                    for X, y in batches:
                        *parameters, error = step(*parameters, X, y)
                        errors.append(error.view(()))
                    losses.append(torch.stack(errors).sum())
            return losses

        return train

    def with_threads(threads: int, train: Callable[[], list[Any]]) -> Training:
        def training() -> Array:
            torch.set_num_threads(threads)
            errors: Array = torch.stack(train()).numpy()
            return errors / np.dtype(case.dtype).type(case.n * O)

        return training

    loops = {"autograd": autograd, "by hand": loop(by_hand)}
    if shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"):
        torch._dynamo.config.recompile_limit = 10**6  # each case and thread count takes one
        compile_ = partial(torch.compile, fullgraph=True, dynamic=False)
        loops["compiled"] = loop(compile_(to_compile))
        if len(batches) == 1 and case.n * H <= 64:
            ten = compile_(partial(to_compile, steps=10))
            loops["compiled, ten epochs a call"] = loop(compile_(to_compile), ten)
    large = len(batches[0][0]) >= 256
    return {
        f"{label}, {threads} thread{'s' * (threads > 1)}": with_threads(threads, train)
        for threads in ({1, CORES} if large else {1})
        for label, train in loops.items()
    }
