"""Training by kernels, one network or many in this process. Imports kernels and runs."""
