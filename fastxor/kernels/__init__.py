"""All that is traced, jitted, compiled and kept on disk. Imports numpy and numba; no other wing."""
