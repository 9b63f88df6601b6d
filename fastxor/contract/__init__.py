"""The contract, version 2: training in exactly the order that every engine follows.

Whatever trains the same network from the same start ends with the same bits, on every machine, if
it does the following. The formulas are in this wing, in plain NumPy, which imports nothing else;
`fastxor.reference` trains by them.

1. T is float64 or float32; data, rates, factors and tolerance are converted to T once.
   Constants are written in decimals or as fractions, which are float64 numbers, rounded to T.
   Arithmetic is IEEE-754 in T, rounded to nearest even, with subnormal numbers: no fused
   multiply-add unless its product is exact, nothing reassociated. Only + - * /, powers of two,
   comparisons, signs, the nearest integer (of two the even one), a number's exponent and, in starts
   and by Adam, square roots are used: np.exp, np.dot and np.sum give other bits on other machines.
2. A network is layers, of which the last are its outputs: A0 = X, Zl = bl + A(l-1) Wl and
   Al = function(Zl), l = 1 ... L. The functions, `functions.ACTIVATIONS` and softmax, are defined
   to the last bit. The function of outputs may be sigmoid, tanh, identity or softmax; that of
   others sigmoid, tanh, relu or identity. With scales, Zl is the sum times the layer's scale, of T
   and above 0.
3. Sums over inputs, units and outputs go in index order, from the bias where there is one, else
   from the first term: `passes`.
4. Sums over samples, `sums.sample_sum`, have eight lanes in blocks of 1024 samples. So they can
   be computed by SIMD instructions of any width, and by threads, to the same bits. Samples
   may be padded by any whose terms are zero. No such sum is -0.0; an engine that starts a
   lane from its first term may get -0.0 for 0.0, which reaches no loss and no parameter:
   parameters that training starts from, velocities and means have 0.0 added, which leaves no
   -0.0, and so have velocities and means that are handed out.
5. A batch is a slice of batch_size samples, the next ones in the epoch's order; an epoch's last
   batch may be shorter. The order is that of the data or, with shuffling, a new one for each
   epoch: ``permutation(n)`` of one `numpy.random.default_rng(seed)`, called once an epoch.
6. The error of a batch, with the parameters before its update, is the sum of its terms,
   `losses.loss_terms` (batch, k): over samples by sample_sum, then over the k columns in order.
   k is O, but 1 for a softmax. The loss of an epoch is the sum of its batches' errors, in order,
   over T(n * k). "log_loss" goes with sigmoid and softmax outputs, "mse" with all but softmax.
   With weights of samples, of T, the terms of each are multiplied by its own, and n is the sum of
   weights: exactly, then in float64, as is n * k. A sample of weight 0 keeps its place in a lane,
   where it adds 0.
7. `passes.backward_propagation`: the outputs' delta is (A - y), times the derivative of their
   function for "mse" only, then times the sample's weight, if there is any; that of a layer before
   is the sum over units of delta * W, times the derivative of its function. With scales, each is
   then times that of its own layer. Gradients are sums over samples of A(l-1) * delta and of delta.
8. The update of a batch, `updates`, is of all parameters at once, by gradients of before it. With
   l2, l2 * W is added to the gradients of weights, not to those of biases; with the reduction
   "mean", gradients are then multiplied by T(1) / T(samples of the batch). The rate is the learning
   rate, times the layer's factor with layer_rates, times that of the epoch with a schedule, in this
   order. "sgd" subtracts rate * gradient
   from the parameter or, with a momentum that is not 0, what `momentum_step` says; "adam" what
   `adam_step` says. Velocities, means and squares begin as 0.0 and decays as 1.0; all go on from
   batch to batch and from epoch to epoch.
9. An epoch whose loss is not finite, or after whose last batch a parameter, or a square of Adam's,
   is not, ends training; the network before it is the last. The bits of NaN are not covered, so NaN
   must stay NaN until then. With stop_when_diverged=False nothing of this ends it: it goes on with
   infinities and NaN as IEEE-754 says.
10. An epoch is solved if abs(A - y) < tolerance for all its samples, but those of weight 0, each
    before its batch's update, and it did not end training. Training that stops there ends before
    that epoch, whatever its updates, but keeps its loss, which must be finite.
11. Starts, from ``numpy.random.RandomState(seed)``, each array row by row, in float64 and then
    converted: "randn": W1, W2, ..., WL by randn, biases 0; "uniform": W1, b1, ..., WL, bL, each
    number random_sample() * (2 * r) - r with r = init_range; "glorot" and "he": W1, W2, ..., WL
    likewise with r = sqrt(6 / (inputs + units)) or sqrt(6 / inputs) of each layer, biases 0. A
    layer without biases draws none. The last bits of randn are those of the C library's logarithm.

12. The penalty of an epoch, where it is recorded, is half of the sum over its batches, in order
    from 0, of `sums.lane_sum` of (l2 * W) * W, before the update, for all parameters W1, b1, ...,
    WL, bL in one array, with 0 for biases.

13. Samples that are held out have a loss after every validate_every epochs, with the parameters
    after the last update: that of 6, as one batch without weights. The best network is the first
    with the least of these; infinities and NaN are none. With patience, training ends after an
    epoch whose loss is the patience-th since that of the best network, or since the start where
    there is none. An epoch that ends training has no such loss.

Version 1 was that of one hidden layer, sigmoids and "mse", which have the same bits in version 2.

Deliberately absent: speed, and code shared with the kernels. Shapes: n samples, I inputs, O
outputs; X (n, I), y (n, O), Wl (inputs, units), bl (1, units) of layer l.
"""

CONTRACT = 2  # its version
