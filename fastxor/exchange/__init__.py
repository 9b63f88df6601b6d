"""Networks to and from elsewhere: C, ONNX, scikit-learn, PyTorch. Imports the contract, and what it
writes for or reads from only where that is asked for."""
