"""How wide the registers of this machine are: what values are made for, and no bit depends on."""

from llvmlite import binding


def _register_bytes() -> int:
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM does not tell, on some machines
        features = {}
    return 64 if features.get("avx512f") else 32  # narrower ones are taken two at a time


REGISTER_BYTES = _register_bytes()
