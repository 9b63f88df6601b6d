"""What people train such networks with instead, each configured as well as we know how.

A peer has several variants and each is the fastest somewhere, so `prepare` tries them all.
They train from the case's start, by the same batches and the same summed gradients, on the
processor, and return the losses of all epochs. scikit-learn cannot: see
`scikit_learn_variants`.
"""

import importlib.util
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastxor.cases import Case, Training
from fastxor.checks import Array

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
BLOCK = 64  # samples at a time that JAX keeps in cache, for large batches


def batches_of(case: Case) -> list[tuple[Array, Array]]:
    """Consecutive slices of X and y; the last one may be shorter."""
    X, y = case.data()
    size = min(case.batch_size or case.n, case.n)
    return [(X[i : i + size], y[i : i + size]) for i in range(0, case.n, size)]


def gradients_by_hand(
    sigmoid: Any, product: Any, parameters: Any, X: Any, y: Any
) -> tuple[tuple[Any, ...], Any]:
    """The gradients of W1, b1, W2, b2 and the squared error, in the terms of any framework."""
    W1, b1, W2, b2 = parameters
    A1 = sigmoid(product(X, W1) + b1)
    A2 = sigmoid(product(A1, W2) + b2)
    error = A2 - y
    delta2 = error * (A2 * (1 - A2))
    delta1 = product(delta2, W2.T) * (A1 * (1 - A1))
    db1, db2 = delta1.sum(0)[None], delta2.sum(0)[None]
    return (product(X.T, delta1), db1, product(A1.T, delta2), db2), (error * error).sum()


def numpy_variants(case: Case, epochs: int) -> dict[str, Training]:
    """The formulas as one would write them, and without any new array in the loop."""
    _, H, O = case.sizes
    T = np.dtype(case.dtype).type
    batches, rate, start = batches_of(case), T(case.learning_rate), case.start.arrays

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + np.exp(-z))

    def plain() -> Array:
        parameters, losses = [array.copy() for array in start], np.zeros(epochs, T)
        for epoch in range(epochs):
            for X, y in batches:
                gradients, error = gradients_by_hand(sigmoid, np.dot, parameters, X, y)
                losses[epoch] += error
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * gradient
        return losses / T(case.n * O)

    # A bias is the weight of one more input, a column of ones: one product gives both gradients.
    buffers = {
        B: [np.ones((B, columns), T) for columns in (H, H + 1, H, O, O, O)]
        for B in {len(X) for X, _ in batches}
    }
    work = [(np.hstack([X, np.ones((len(X), 1), T)]), y, *buffers[len(X)]) for X, y in batches]

    def in_place() -> Array:
        layer1, layer2 = np.vstack(start[:2]), np.vstack(start[2:])
        W2_T, step1, step2 = layer2[:H].T, np.empty_like(layer1), np.empty_like(layer2)
        losses, one = np.zeros(epochs, T), T(1)
        for epoch in range(epochs):
            for X, y, Z1, inputs2, delta1, A2, slope2, delta2 in work:
                A1 = inputs2[:, :H]
                for inputs, layer, Z, A in (X, layer1, Z1, A1), (inputs2, layer2, A2, A2):
                    np.dot(inputs, layer, Z)
                    np.negative(Z, Z)
                    np.exp(Z, Z)
                    np.add(Z, one, Z)
                    np.divide(one, Z, A)
                np.subtract(A2, y, delta2)
                losses[epoch] += np.vdot(delta2, delta2)
                np.subtract(one, A2, slope2)
                np.multiply(slope2, A2, slope2)
                np.multiply(delta2, slope2, delta2)
                np.subtract(one, A1, Z1)
                np.multiply(Z1, A1, Z1)
                # one output: a product of columns, which is faster than the general one
                (np.multiply if O == 1 else np.dot)(delta2, W2_T, delta1)
                np.multiply(delta1, Z1, delta1)
                np.dot(inputs2.T, delta2, step2)
                np.dot(X.T, delta1, step1)
                for layer, step in (layer2, step2), (layer1, step1):
                    np.multiply(step, rate, step)
                    np.subtract(layer, step, layer)
        return losses / T(case.n * O)

    return {"plain": plain, "in place": in_place}


def import_jax() -> Any:
    """JAX with settings for the whole process; they must be made before its first import."""
    flag = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000"
    if "jax" not in sys.modules and flag not in os.environ.get("XLA_FLAGS", ""):
        # loops over small arrays become one kernel each, up to ten times as fast
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


def jax_variants(case: Case, epochs: int) -> dict[str, Training]:
    """One compiled call: `lax.scan` over epochs and batches, with gradients got in several ways.

    Samples-first gradients take X (B, I) and y (B, O), samples-last ones their transposes: then
    the elements of a vector instruction are samples, of which there are more than of units.
    """
    jax = import_jax()
    jnp, lax = jax.numpy, jax.lax
    I, _, O = case.sizes
    T = np.dtype(case.dtype).type
    rate, start = T(case.learning_rate), case.start.arrays

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + jnp.exp(-z))

    def autodiff(parameters: Any, X: Any, y: Any) -> Any:
        def half_error(parameters: Any) -> Any:
            W1, b1, W2, b2 = parameters
            A2 = jax.nn.sigmoid(jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2)
            return 0.5 * jnp.sum((A2 - y) ** 2)

        half, gradients = jax.value_and_grad(half_error)(parameters)
        return gradients, 2 * half

    def dots(parameters: Any, X: Any, y: Any) -> Any:
        return gradients_by_hand(sigmoid, jnp.dot, parameters, X, y)

    def dots_last(parameters: Any, X: Any, y: Any) -> Any:
        W1, b1, W2, b2 = parameters
        Z1 = sum(W1[i][:, None] * X[i] for i in range(I)) if I <= 4 else W1.T @ X
        A1 = sigmoid(Z1 + b1.T)
        A2 = sigmoid(W2.T @ A1 + b2.T)
        error = A2 - y
        delta2 = error * (A2 * (1 - A2))
        delta1 = (W2 * delta2 if O == 1 else W2 @ delta2) * (A1 * (1 - A1))
        db1, db2 = delta1.sum(1)[None], delta2.sum(1)[None]
        return (X @ delta1.T, db1, A1 @ delta2.T, db2), (error * error).sum()

    def no_dots_last(parameters: Any, X: Any, y: Any) -> Any:
        W1, b1, W2, b2 = parameters
        A1 = sigmoid(sum(W1[i][:, None] * X[i] for i in range(I)) + b1[0][:, None])
        A2 = [sigmoid((W2[:, o][:, None] * A1).sum(0) + b2[0, o]) for o in range(O)]
        errors = [A2[o] - y[o] for o in range(O)]
        delta2 = [errors[o] * (A2[o] * (1 - A2[o])) for o in range(O)]
        delta1 = sum(W2[:, o][:, None] * delta2[o] for o in range(O)) * (A1 * (1 - A1))
        return (
            jnp.stack([(delta1 * X[i]).sum(1) for i in range(I)]),
            delta1.sum(1)[None],
            jnp.stack([(A1 * delta).sum(1) for delta in delta2], axis=1),
            jnp.stack([delta.sum() for delta in delta2])[None],
        ), sum((error * error).sum() for error in errors)

    def in_blocks(parameters: Any, X: Any, y: Any) -> Any:
        def add(total: Any, block: Any) -> Any:
            return jax.tree.map(jnp.add, total, no_dots_last(parameters, *block)), None

        zeros = jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), T)
        return lax.scan(add, zeros, (X, y))[0]

    def split(array: Array) -> Array:  # (B, I) as (B / BLOCK, I, BLOCK)
        return array.reshape(-1, BLOCK, array.shape[1]).transpose(0, 2, 1)

    def training(gradients_of: Any, arrange: Any = np.transpose, unroll: int = 1) -> Training:
        batches = [(arrange(X), arrange(y)) for X, y in batches_of(case)]
        rest = [batches.pop()] if batches[-1][0].shape != batches[0][0].shape else []

        def step(parameters: Any, batch: Any) -> Any:
            gradients, error = gradients_of(parameters, *batch)
            return jax.tree.map(lambda w, g: w - rate * g, parameters, gradients), error

        # the data are constants of the compiled code, which makes some small cases faster
        stacked = tuple(jnp.asarray(np.stack(arrays)) for arrays in zip(*batches, strict=True))
        rest = jax.tree.map(jnp.asarray, rest)
        parameters = tuple(map(jnp.asarray, start))

        @jax.jit
        def train(parameters: Any) -> Any:
            def epoch(parameters: Any, _: None) -> Any:
                if len(stacked[0]) > 1:
                    parameters, errors = lax.scan(step, parameters, stacked)
                    error = errors.sum()
                else:
                    parameters, error = step(parameters, (stacked[0][0], stacked[1][0]))
                for batch in rest:
                    parameters, last_error = step(parameters, batch)
                    error += last_error
                return parameters, error / (case.n * O)

            return lax.scan(epoch, parameters, None, length=epochs, unroll=unroll)[1]

        return lambda: np.asarray(train(parameters))

    found = {
        "autodiff": training(autodiff, arrange=np.asarray),
        "dots": training(dots, arrange=np.asarray),
        "dots, samples last": training(dots_last),
    }
    if I + O <= 8:  # they are written out one by one
        found["no dots, samples last"] = training(no_dots_last)
        if case.n == 4:
            found["no dots, samples last, unrolled"] = training(no_dots_last, unroll=4)
        size = min(case.batch_size or case.n, case.n)
        if size >= 4 * BLOCK and size % BLOCK == case.n % size == 0:
            found["no dots, samples last, blocks"] = training(in_blocks, arrange=split)
    return found


def torch_variants(case: Case, epochs: int) -> dict[str, Training]:
    """Eager by autograd and by hand, and compiled by hand: with its own C++ it needs a compiler.

    One thread is tried too: with more, every batch waits for a core that is busy elsewhere.
    """
    import torch

    I, H, O = case.sizes
    dtype, rate = getattr(torch, case.dtype), case.learning_rate
    batches = [(torch.from_numpy(X), torch.from_numpy(y)) for X, y in batches_of(case)]
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


def scikit_learn_variants(case: Case, epochs: int) -> dict[str, Training]:
    """The nearest that scikit-learn has; its losses are of another network, not to be compared.

    A regressor has no sigmoid at its output and a classifier no squared error, and neither
    takes starting weights. The work of an epoch is about the same.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, y = case.data()
    settings = {
        "hidden_layer_sizes": (case.sizes[1],), "activation": "logistic", "solver": "sgd",
        "momentum": 0, "nesterovs_momentum": False, "shuffle": False, "alpha": 0, "tol": 0,
        "batch_size": min(case.batch_size or case.n, case.n), "max_iter": epochs,
        "n_iter_no_change": 10**9, "random_state": 0,
        "learning_rate_init": 1e-3,  # without a sigmoid at the output more may diverge
    }  # fmt: skip

    def fit(model: Any, targets: Array) -> Training:
        def training() -> Array:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                return np.array(model(**settings).fit(X, targets).loss_curve_)

        return training

    found = {"MLPRegressor": fit(MLPRegressor, y.ravel() if y.shape[1] == 1 else y)}
    classes = y.argmax(1) if y.shape[1] > 1 else (y[:, 0] > 0.5).astype(int)
    if len(set(classes)) > 1:
        found["MLPClassifier"] = fit(MLPClassifier, classes)
    return found


PEERS: dict[str, Callable[[Case, int], dict[str, Training]]] = {
    "NumPy": numpy_variants,
    "JAX": jax_variants,
    "PyTorch": torch_variants,
    "scikit-learn": scikit_learn_variants,
}
MODULES = {"NumPy": "numpy", "JAX": "jax", "PyTorch": "torch", "scikit-learn": "sklearn"}
COMPARABLE = ("NumPy", "JAX", "PyTorch")
"""Those whose losses must be the reference's within rounding."""


def installed() -> list[str]:
    """The peers that are there, without importing any."""
    return [peer for peer, module in MODULES.items() if importlib.util.find_spec(module)]


def variants(peer: str, case: Case, epochs: int) -> dict[str, Training]:
    """All that make sense for the case, by label. They compile when they are first called."""
    return PEERS[peer](case, epochs)


def prepare(peer: str, case: Case, epochs: int) -> tuple[str, Training]:
    """The label of the fastest variant here, and the variant, warm."""

    def shortest(training: Training) -> float:
        times: list[float] = []  # the first is that of compiling too
        while len(times) < 2 or (sum(times[1:]) < 0.3 and len(times) < 20):
            began = time.perf_counter()
            training()
            times.append(time.perf_counter() - began)
        return min(times)

    found = variants(peer, case, epochs)
    label = min(found, key=lambda label: shortest(found[label]))
    return label, found[label]
