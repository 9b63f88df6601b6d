"""Networks: their parameters, starts, predictions and files. Imports the contract and the kernels,
for predictions."""
