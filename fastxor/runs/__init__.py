"""What goes into training and what comes out of it, the same for every engine: settings,
problems, `Run` and `Runs`. Imports networks."""
