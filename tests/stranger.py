"""A stranger's engine: the contract once more, one number at a time.

It shares no code with the package and knows no arrays: rows are lists of numbers of the type T,
`float` for float64 or `numpy.float32`. Numbers in brackets are the contract's items.
"""

import math
from typing import Any, NamedTuple

ONE_BY_LN2 = 1.4426950408889634
LN2 = {  # in two parts
    True: (float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")),
    False: (0.693359375, -2.12194440e-4),
}
ENDS_OF_EXP = {True: (-708, 709), False: (-87, 88)}  # float64 or not


class Trained(NamedTuple):
    losses: list[Any]
    parameters: list[Any]  # of each layer W, a list of rows, and b, a list or None
    velocity: list[Any]
    adam: list[Any]  # means, squares, two decays
    solved_at: int
    diverged: int | None  # the epoch that was not finite
    penalties: list[Any]
    held_out_losses: list[Any]
    best_epoch: int
    best: list[Any] | None  # as the parameters


class Functions:
    """Those of the type T."""

    def __init__(self, T: Any) -> None:
        self.T, self.double = T, T is float
        self.ln2 = [T(part) for part in LN2[self.double]]

    def reduced(self, x):
        """r and p of x = k * ln(2) + r, p = 2**k."""
        T = self.T
        if x != x:
            return x, T(1)
        k = round(float(x * T(ONE_BY_LN2)))  # to the nearest integer, of two such the even one
        r = (x - T(k) * self.ln2[0]) - T(k) * self.ln2[1]
        return r, T(math.ldexp(1.0, k))

    def clipped(self, x):
        low, high = (self.T(end) for end in ENDS_OF_EXP[self.double])
        return low if x < low else high if x > high else x

    def sigmoid(self, z):
        T = self.T
        r, p = self.reduced(self.clipped(-z))
        r2 = r * r
        if self.double:
            r4 = r2 * r2
            even = (1.0 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
            odd = r * ((1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840))
        else:
            even, odd = T(1) + r2 * T(1 / 10), r * (T(1 / 2) + r2 * T(1 / 120))
        below = even - odd
        return below / (below + (even + odd) * p)

    def exp_parts(self, x):
        T = self.T
        r, p = self.reduced(x)
        r2 = r * r
        if self.double:
            r4 = r2 * r2
            even = 1.0 + (r2 * (5 / 44) + r4 * (1 / 792 + r2 * (1 / 665280)))
            odd = r * (1 / 2 + r2 * (1 / 66 + r2 * (1 / 15840)))
        else:
            even, odd = T(1) + r2 * T(1 / 10), r * (T(1 / 2) + r2 * T(1 / 120))
        return even, odd, p

    def exp(self, x):
        even, odd, p = self.exp_parts(self.clipped(x))
        return p * ((even + odd) / (even - odd))

    def tanh(self, z):
        T = self.T
        x, most = T(2) * abs(z), T(40 if self.double else 20)
        even, odd, p = self.exp_parts(most if x > most else x)
        above = (p - T(1)) * even + (p + T(1)) * odd
        below = (p + T(1)) * even + (p - T(1)) * odd
        return T(math.copysign(above / below, z))

    def two_atanh(self, s):
        T = self.T
        t = s * s
        if self.double:
            above: Any = (1, -16 / 7, 1546 / 855, -3904 / 6783, 8963 / 142443, -65536 / 61108047)
            below: Any = (1, -55 / 21, 330 / 133, -330 / 323, 55 / 323, -33 / 4199)
        else:
            above, below = (1, -31 / 33, 64 / 495, 64 / 10395), (1, -14 / 11, 35 / 99)
        values = []
        for coefficients in (above, below):
            value = T(coefficients[-1])
            for c in reversed(coefficients[:-1]):
                value = T(c) + t * value
            values.append(value)
        return T(2) * s * (values[0] / values[1])

    def log1p(self, u):
        return self.two_atanh(u / (self.T(2) + u))

    def log(self, x):
        T = self.T
        f, k = math.frexp(float(x))
        f = T(f)
        if f < T(0.7071067811865476):
            f, k = f + f, k - 1
        k = T(k)
        return k * self.ln2[0] + (k * self.ln2[1] + self.two_atanh((f - T(1)) / (f + T(1))))

    def shifted(self, z):
        """Of a softmax: z - m, exponentials, their sum."""
        m = z[0]
        for value in z[1:]:
            if value > m:
                m = value
        shifted = [value - m for value in z]
        terms = [self.exp(value) for value in shifted]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return shifted, terms, total

    def activations(self, name, z):
        if name == "softmax":
            _, terms, total = self.shifted(z)
            return [term / total for term in terms]
        if name == "relu":
            return [self.T(0) if value < 0 else value for value in z]
        if name == "identity":
            return z
        return [getattr(self, name)(value) for value in z]

    def backward(self, name, back, a):
        one = self.T(1)
        if name == "sigmoid":
            return back * (a * (one - a))
        if name == "tanh":
            return back * (one - a * a)
        if name == "relu":
            return back if a > 0 else self.T(0)
        return back

    def loss_terms(self, y, A, Z, output, loss):
        """Of a sample [6]."""
        if loss == "mse":
            return [(a - target) * (a - target) for a, target in zip(A, y, strict=True)]
        if output == "sigmoid":
            return [
                ((self.T(0) if z < 0 else z) - target * z) + self.log1p(self.exp(-abs(z)))
                for z, target in zip(Z, y, strict=True)
            ]
        shifted, _, total = self.shifted(Z)
        sum_of_targets = y[0] * shifted[0]
        for target, value in zip(y[1:], shifted[1:], strict=True):
            sum_of_targets = sum_of_targets + target * value
        return [self.log(total) - sum_of_targets]

    def sample_sum(self, terms):
        """[4]"""
        total = self.T(0)
        for block in range(0, len(terms), 1024):
            l0, l1, l2, l3, l4, l5, l6, l7 = (
                self.lane(terms[block : block + 1024][j::8]) for j in range(8)
            )
            total = total + (((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7)))
        return total

    def lane(self, terms):
        lane = self.T(0)
        for term in terms:
            lane = lane + term
        return lane

    def sqrt(self, x):
        return x if x < 0 or x != x else self.T(math.sqrt(float(x)))


def train(
    X, y, layers, *, T=float, loss="mse", epochs, rate, momentum=0.0, nesterov=False, betas=None,
    epsilon=None, l2=0.0, factors=None, weights=None, batch_size=None, orders=None, tolerance=None,
    stop=False, mean=False, held_out=None, every=1, patience=None, layer_rates=None,
    scales=None,
):  # fmt: skip
    """Train ``layers``, each (W, b or None, activation); of numbers that are of the type T.

    ``orders``: of each epoch, where samples are shuffled. ``betas``, two: Adam's. ``layer_rates``:
    factors of the rate. ``scales``: of each layer.
    """
    f, n, names = Functions(T), len(X), [layer[2] for layer in layers]
    parameters = [(W, b) for W, b, _ in layers]
    velocity = [
        ([[T(0)] * len(row) for row in W], None if b is None else [T(0)] * len(b))
        for W, b in parameters
    ]
    adam = [velocity, velocity, T(1), T(1)]
    losses, solved_at, penalties = [], -1, []
    held_out_losses, best = [], (0, T(math.inf), None)

    def trained(losses, parameters, velocity, adam, solved_at, diverged):
        return Trained(
            losses, parameters, velocity, adam, solved_at, diverged, penalties, held_out_losses,
            best[0], best[2],
        )  # fmt: skip

    for epoch in range(epochs):
        before = parameters, velocity, adam
        rates = [rate if layer_rates is None else rate * layer_rates[l] for l in range(len(layers))]
        step_sizes = [size if factors is None else size * factors[epoch] for size in rates]
        order = list(range(n)) if orders is None else orders[epoch]
        error, columns, solved, penalty = T(0), 0, tolerance is not None, T(0)
        for first in range(0, n, batch_size or n):
            batch = order[first : first + (batch_size or n)]
            # forward, sample by sample: the activations of all layers, X before them [2, 3]
            passes = [forward(f, X[sample], parameters, names, scales) for sample in batch]
            targets = [y[sample] for sample in batch]
            terms = [
                f.loss_terms(target, A[-1], Z, names[-1], loss)
                for target, (A, Z) in zip(targets, passes, strict=True)
            ]
            own = [T(1) if weights is None else weights[sample] for sample in batch]
            if weights is not None:  # [6]
                terms = [[term * w for term in row] for row, w in zip(terms, own, strict=True)]
            error, columns = error + total(f, terms), len(terms[0])
            if tolerance is not None:  # [10]
                solved = solved and all(
                    abs(a - wanted) < tolerance
                    for target, (A, _), w in zip(targets, passes, own, strict=True)
                    if w > 0
                    for a, wanted in zip(A[-1], target, strict=True)
                )
            # backward [7]
            deltas = []
            for target, (A, _), w in zip(targets, passes, own, strict=True):
                delta = [a - wanted for a, wanted in zip(A[-1], target, strict=True)]
                if loss == "mse":
                    delta = [f.backward(names[-1], d, a) for d, a in zip(delta, A[-1], strict=True)]
                deltas.append(delta if weights is None else [d * w for d in delta])
            gradients = []
            for l in range(len(layers) - 1, -1, -1):
                W, b = parameters[l]
                if scales:
                    deltas = [[d * scales[l] for d in delta] for delta in deltas]
                inputs = [A[l] for A, _ in passes]
                of_W = [
                    [
                        f.sample_sum([a[i] * d[u] for a, d in zip(inputs, deltas, strict=True)])
                        for u in range(len(W[0]))
                    ]
                    for i in range(len(W))
                ]
                of_b = None if b is None else [
                    f.sample_sum([d[u] for d in deltas]) for u in range(len(b))
                ]  # fmt: skip
                gradients.insert(0, (of_W, of_b))
                if l:
                    next_deltas = []
                    for a, d in zip(inputs, deltas, strict=True):
                        delta = []
                        for i in range(len(W)):
                            back = d[0] * W[i][0]
                            for u in range(1, len(d)):
                                back = back + d[u] * W[i][u]
                            delta.append(f.backward(names[l - 1], back, a[i]))
                        next_deltas.append(delta)
                    deltas = next_deltas
            # update [8]
            if l2:
                pulls = [both(lambda w, _: l2 * w, W, W) for W, _ in parameters]
                penalty = penalty + penalty_of(f, pulls, parameters)
                gradients = [
                    (both(lambda g, p: g + p, of_W, pull), of_b)
                    for (of_W, of_b), pull in zip(gradients, pulls, strict=True)
                ]
            if mean:
                share = T(1) / T(len(batch))
                gradients = both(lambda g, _, share=share: g * share, gradients, gradients)
            if betas:
                adam, steps = adam_steps(f, adam, gradients, step_sizes, betas, epsilon)
            else:
                velocity, steps = sgd_steps(velocity, gradients, step_sizes, momentum, nesterov)
            parameters = both(lambda w, step: w - step, parameters, steps)
        mean_loss = error / T((n if weights is None else math.fsum(weights)) * columns)
        if solved and solved_at == -1:
            solved_at = epoch
            if stop and math.isfinite(mean_loss):
                return trained([*losses, mean_loss], *before, solved_at, None)
        numbers = flat([parameters, adam])
        if not math.isfinite(mean_loss) or not all(map(math.isfinite, numbers)):  # [9]
            return trained(losses, *before, solved_at if solved_at < epoch else -1, epoch)
        losses.append(mean_loss)
        penalties.append(penalty * T(0.5))
        if held_out and (epoch + 1) % every == 0:  # [13]
            held_out_losses.append(loss_of(f, *held_out, parameters, names, loss, scales))
            if held_out_losses[-1] < best[1]:
                best = epoch + 1, held_out_losses[-1], parameters
            if patience and epoch + 1 - best[0] >= patience * every:
                break
    return trained(losses, parameters, velocity, adam, solved_at, None)


def forward(f, x, parameters, names, scales):
    """Of one sample: the activations of all layers, x before them, and the last sums [2, 3]"""
    A, Z = [x], None
    for l, ((W, b), name) in enumerate(zip(parameters, names, strict=True)):
        Z = []
        for u in range(len(W[0])):
            sums = A[-1][0] * W[0][u]
            if b is not None:
                sums = b[u] + sums
            for i in range(1, len(W)):
                sums = sums + A[-1][i] * W[i][u]
            Z.append(sums * scales[l] if scales else sums)
        A.append(f.activations(name, Z))
    return A, Z


def total(f, terms):
    """[6]"""
    columns = [f.sample_sum(list(column)) for column in zip(*terms, strict=True)]
    result = columns[0]
    for column in columns[1:]:
        result = result + column
    return result


def loss_of(f, X, y, parameters, names, loss, scales):
    """[13]"""
    passes = [forward(f, x, parameters, names, scales) for x in X]
    terms = [
        f.loss_terms(target, A[-1], Z, names[-1], loss)
        for target, (A, Z) in zip(y, passes, strict=True)
    ]
    return total(f, terms) / f.T(len(X) * len(terms[0]))


def penalty_of(f, pulls, parameters):
    """[12]"""
    terms = []
    for pull, (W, b) in zip(pulls, parameters, strict=True):
        terms += flat(both(lambda p, w: p * w, pull, W)) + [f.T(0)] * len(b or ())
    l0, l1, l2, l3, l4, l5, l6, l7 = (f.lane(terms[j::8]) for j in range(8))
    return ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7))


def sgd_steps(velocity, gradients, rates, momentum, nesterov):
    """[8]"""
    steps = [
        both(lambda g, _, rate=rate: rate * g, layer, layer)
        for rate, layer in zip(rates, gradients, strict=True)
    ]
    if not momentum:
        return velocity, steps
    velocity = both(lambda v, step: momentum * v + step, velocity, steps)
    ahead = both(lambda v, step: momentum * v + step, velocity, steps)
    return velocity, ahead if nesterov else velocity


def adam_steps(f, adam, gradients, rates, betas, epsilon):
    """[8]"""
    (means, squares, decay1, decay2), (beta1, beta2), one = adam, betas, f.T(1)
    decay1, decay2 = decay1 * beta1, decay2 * beta2
    rates = [rate * (f.sqrt(one - decay2) / (one - decay1)) for rate in rates]
    means = both(lambda m, g: beta1 * m + (one - beta1) * g, means, gradients)
    squares = both(lambda s, g: beta2 * s + (one - beta2) * (g * g), squares, gradients)
    steps = [
        both(lambda m, s, rate=rate: (rate * m) / (f.sqrt(s) + epsilon), *of_layer)
        for rate, *of_layer in zip(rates, means, squares, strict=True)
    ]
    return [means, squares, decay1, decay2], steps


def both(function, a, b):
    """Of two numbers, lists of numbers and so on, or None."""
    if a is None:
        return None
    if isinstance(a, (list, tuple)):
        return [both(function, *pair) for pair in zip(a, b, strict=True)]
    return function(a, b)


def flat(values):
    """The numbers in lists of lists, in order."""
    if values is None:
        return []
    if isinstance(values, (list, tuple)):
        return [number for value in values for number in flat(value)]
    return [values]
