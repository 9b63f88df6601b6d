"""The command line, a module for each command. Imports all, and is imported by nothing but
``__main__``."""
