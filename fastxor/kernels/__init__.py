"""All that is jitted, compiled and kept on disk. Imports numpy and numba, and no other wing."""
