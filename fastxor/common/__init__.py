"""What any wing may need: checks of arguments, arithmetic, files, a progress bar. Imports no
other wing."""
