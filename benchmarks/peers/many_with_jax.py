"""Many networks at once in JAX: as an expert writes it, and as its documentation does.

Both are timed with the starting weights in place, and compute the losses of the last epoch only.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.adam import Rule, rules_of_jax
from benchmarks.peers.formulas import Formulas, functions, samples_first
from benchmarks.peers.with_jax import import_jax, no_dots, objective
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array
from fastxor.sweeps.many import train_many

Way = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""Makes parameters of rows (parameters, networks); of these, gradients and sums of loss terms."""


def by_hand(case: Case, epochs: int) -> dict[str, Training]:
    """Formulas by hand, blocks of networks that a core keeps in its cache, over all cores."""
    jax = import_jax()
    lax, jnp = jax.lax, jax.numpy
    size = case.architecture.parameters
    networks = case.networks or 1
    cores = math.gcd(networks, jax.device_count())  # each has as many

    def training(way: Way, rule: Rule, block: int) -> Training:
        (parameters_of, gradients_of), (state_of, update) = way, rule

        def step(state: Any) -> Any:
            gradients, loss = gradients_of(state[0])
            return update(*state, gradients), loss

        def train(rows: Any) -> Any:  # (parameters, block)
            w = parameters_of(rows)
            state, _ = lax.scan(
                lambda state, _: (step(state)[0], None), (w, state_of(w)), None, length=epochs - 1
            )
            (w, _), loss = step(state)
            rows = [leaf.reshape(-1, block) for leaf in jax.tree.leaves(w)]
            return loss / case.terms, jnp.concatenate(rows)

        mesh = jax.make_mesh((cores,), ("cores",), devices=jax.devices()[:cores])
        blocks = jax.sharding.PartitionSpec("cores")
        starts = np.concatenate([array.reshape(case.networks, -1) for array in start(case)], axis=1)
        starts = starts.reshape(-1, block, size).swapaxes(1, 2)
        placed = jax.device_put(starts, jax.sharding.NamedSharding(mesh, blocks))
        many = jax.jit(
            jax.shard_map(
                lambda starts: lax.map(train, starts), mesh=mesh, in_specs=blocks, out_specs=blocks
            )
        )
        return lambda: np.asarray(jax.block_until_ready(many(placed))[0]).ravel()

    ways, block_sizes = {"layers": layers(case), "dots": dots(case)}, (16, 64, 256)
    if size <= 64:  # else it takes minutes to compile
        ways["samples first"] = in_front(case)
    if size <= 16:
        ways["samples written out"], block_sizes = written_out(case), (32, 64, 256, 512)
    blocks = [block for block in block_sizes if networks % (block * cores) == 0]
    return {
        f"{name}, blocks of {block}" + f", {own}" * bool(own): training(way, rule, block)
        for own, rule in rules_of_jax(case).items()
        for name, way in ways.items()
        for block in blocks or [networks // cores]  # few networks for so many cores
    }


def layers(case: Case) -> Way:
    """An array for each layer, networks last: as one network's, samples last."""
    jnp = import_jax().numpy
    X, y = (jnp.asarray(array.T[..., None]) for array in case.data())
    formulas = Formulas(case, jnp, no_dots(jnp))
    return partial(arrays, case), lambda w: formulas.gradients(w, X, y)


def dots(case: Case) -> Way:
    """An array for each layer, networks first: ``vmap`` of one network's formulas."""
    jax = import_jax()
    X, y = (jax.numpy.asarray(array) for array in case.data())
    formulas = Formulas(case, jax.numpy, samples_first(jax.numpy.dot))

    def parameters_of(rows: Any) -> Any:
        return tuple(jax.numpy.moveaxis(array, -1, 0) for array in arrays(case, rows))

    return parameters_of, jax.vmap(lambda w: formulas.gradients(w, X, y))


def arrays(case: Case, rows: Any) -> Any:
    """W1, b1, ... with a dimension of networks behind."""
    at, found = 0, []
    for I, O in case.architecture.shapes.values():
        found.append(rows[at : at + I * O].reshape(I, O, -1))
        at += I * O
    return tuple(found)


def written_out(case: Case) -> Way:
    """An array for each weight; samples are numbers in the formulas."""
    T = np.dtype(case.dtype).type
    rows = zip(*case.data(), strict=True)
    samples = [([T(x) for x in row], [T(t) for t in targets]) for row, targets in rows]
    return units(case, samples, lambda values: sum(values[1:], values[0]))


def in_front(case: Case) -> Way:
    """An array for each weight; samples are a dimension in front."""
    jnp = import_jax().numpy
    X, y = ([jnp.asarray(column[:, None]) for column in array.T] for array in case.data())
    return units(case, [(X, y)], lambda values: values[0].sum(0))


def units(case: Case, samples: Any, total: Any) -> Way:
    """Of squared errors; ``total`` is the sum of what each of the samples gives."""
    jax = import_jax()
    network, table = case.architecture, functions(jax.numpy)
    if case.loss != "mse":
        raise ValueError(f"only squared errors are written out, got {case}")

    def parameters_of(rows: Any) -> Any:
        return list(_lists(iter(rows), network.layers))

    def terms(w: Any, a: Any, targets: Any) -> Any:
        inputs = [a]
        for (W, b), function in zip(w, network.activations, strict=True):
            z = [sum(x * w for x, w in zip(inputs[-1], column, strict=True))
                 for column in zip(*W, strict=True)]  # fmt: skip
            z = z if b is None else [z + b for z, b in zip(z, b, strict=True)]
            inputs.append([table[function][0](z) for z in z])
        errors = [p - t for p, t in zip(inputs[-1], targets, strict=True)]
        back, gradients = errors, []
        for number in range(len(w) - 1, -1, -1):
            slope = table[network.activations[number]][1]
            delta = [slope(d, a) for d, a in zip(back, inputs[number + 1], strict=True)]
            W, b = w[number]
            of_W = [[x * d for d in delta] for x in inputs[number]]
            gradients = [(of_W, None if b is None else delta), *gradients]
            back = [sum(d * w for d, w in zip(delta, row, strict=True)) for row in W]
        return gradients, sum(error * error for error in errors)

    def gradients_of(w: Any) -> Any:
        found = [terms(w, x, targets) for x, targets in samples]
        return jax.tree.map(lambda *values: total(values), *found)

    return parameters_of, gradients_of


def _lists(rows: Iterator[Any], layers: Any) -> Iterator[Any]:
    """W[i][o] and b[o], or None, of each layer."""
    for I, O, _, has_bias, _ in layers:
        W = [[next(rows) for _ in range(O)] for _ in range(I)]
        yield W, [next(rows) for _ in range(O)] if has_bias else None


def start(case: Case) -> tuple[Array, ...]:
    """The starting weights W1, b1, ... of all seeds, (networks, inputs, units) each."""
    seeds = np.arange(case.networks or 1)
    runs = train_many(*case.data(), seed=seeds, epochs=0, **case.settings_of_many)
    return runs.networks.arrays


def vmap(case: Case, epochs: int) -> dict[str, Training]:
    """``vmap`` of a training with automatic gradients."""
    jax = import_jax()
    T = np.dtype(case.dtype).type
    X, y = (jax.numpy.asarray(array) for array in case.data())
    value_and_grad = jax.value_and_grad(objective(case), has_aux=True)
    parameters = tuple(map(jax.numpy.asarray, start(case)))

    def training(state_of: Any, update: Any) -> Training:
        def train(parameters: Any) -> Any:
            def epoch(state: Any, _: None) -> Any:
                (_, loss), gradients = value_and_grad(state[0][0], X, y)
                return (update(*state[0], gradients), loss), None

            begin = (parameters, state_of(parameters)), T(0)
            ((parameters, _), loss), _ = jax.lax.scan(epoch, begin, None, length=epochs)
            return loss / case.terms, parameters

        many = jax.jit(jax.vmap(train))
        return lambda: np.asarray(jax.block_until_ready(many(parameters))[0])

    rules = rules_of_jax(case).items()
    return {"vmap" + f", {name}" * bool(name): training(*rule) for name, rule in rules}
