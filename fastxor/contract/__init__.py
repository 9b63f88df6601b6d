"""The contract, version 1: training in exactly the order that every engine follows.

Whatever trains the same network from the same start ends with the same bits, on every machine, if
it does the following. The formulas are in this wing, in plain NumPy, which imports nothing else;
`fastxor.reference` trains by them.

1. T is float64 or float32; data, learning rate and momentum are converted to T once.
   Arithmetic is IEEE-754 in T, rounded to nearest even, with subnormal numbers: no fused
   multiply-add unless its product is exact, nothing reassociated. Only + - * / and powers of
   two are used: np.exp, np.dot and np.sum give other bits on other machines.
2. sigmoid(z) = 1 / (1 + exp(-z)) is one fraction, see `functions.sigmoid`.
3. Sums over inputs, hidden units and outputs go in index order, from the bias where there
   is one, else from the first term: `passes`.
4. Sums over samples, `sums.sample_sum`, have eight lanes in blocks of 1024 samples. So they can
   be computed by SIMD instructions of any width, and by threads, to the same bits. Samples
   may be padded by any whose terms are zero. No such sum is -0.0; an engine that starts a
   lane from its first term may get -0.0 for 0.0, which reaches no loss and no parameter:
   starting parameters hold no -0.0, and a velocity that is handed out has 0.0 added.
5. A batch is a slice of batch_size samples, the next ones in the epoch's order; an epoch's last
   batch may be shorter. The order is that of the data or, with shuffling, a new one for each
   epoch: `permutation(n)` of one `numpy.random.default_rng(seed)`, called once an epoch.
6. The squared error of a batch, with the parameters before its update, is the sum over outputs
   of sample_sum(error * error): `passes.squared_error`. The loss of an epoch is the sum of its
   batches' squared errors, in order, over T(n * O).
7. The update is velocity = momentum * velocity + learning_rate * gradient, then
   parameter = parameter - velocity. Without momentum, parameter - learning_rate * gradient.
8. An epoch in which the loss or a new parameter is not finite ends training; the network
   before it is the last. The bits of NaN are not covered, so NaN must stay NaN until then.
9. An epoch is solved if abs(A2 - y) < tolerance for all its samples, each before its batch's
   update. Training that stops there ends before that epoch, but keeps its loss, which is finite.

Deliberately absent: speed, and code shared with the kernels. Shapes: n samples, I inputs, H
hidden units, O outputs; X (n, I), y (n, O), W1 (I, H), b1 (1, H), W2 (H, O), b2 (1, O).
"""

CONTRACT = 1  # its version
