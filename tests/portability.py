"""The golden digests under other instruction sets, compiler settings and libraries.

``python -m tests.portability`` runs the tests of the digests once in each environment, with a
cache of kernels of its own where they are compiled otherwise. The environments are those of x86-64
Linux; elsewhere only the one without optimisation is run. The native one is that of all other
tests.
"""

import os
import platform
import subprocess
import sys
import tempfile

OLD_LIBRARIES = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    "OPENBLAS_CORETYPE": "Nehalem",
}
ENVIRONMENTS: dict[str, dict[str, str]] = {"no optimisation": {"NUMBA_OPT": "0"}}
if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
    ENVIRONMENTS |= {
        "generic x86-64": {"NUMBA_CPU_NAME": "generic"},
        "nehalem (SSE4.2)": {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""},
        "haswell (AVX2, FMA)": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""},
        "old libraries": OLD_LIBRARIES,
    }
TESTS = ["tests/test_golden.py", "tests/test_golden_maps.py"]
# where only kernels are compiled otherwise: what compares reference and digest says no more
KERNELS = ["-k", "(test_digest or steps) and not reference"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def changes_only_kernels(variables: dict[str, str]) -> bool:
    return all(name.startswith("NUMBA") for name in variables)


def main() -> int:
    failed = []
    for name, variables in ENVIRONMENTS.items():
        with tempfile.TemporaryDirectory() as cache:
            print(f"--- {name}: {' '.join(f'{k}={v}' for k, v in variables.items())}", flush=True)
            chosen, environment = TESTS, os.environ | variables
            if changes_only_kernels(variables):
                chosen, environment["NUMBA_CACHE_DIR"] = [*TESTS, *KERNELS], cache
            done = subprocess.run([*PYTEST, *chosen], env=environment, check=False)
        if done.returncode:
            failed.append(name)
    print("the same digests in all environments" if not failed else f"DIFFERENT in: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
