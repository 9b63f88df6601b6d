"""Networks: their parameters, starts, predictions and files. Imports the contract, which
predictions follow."""
