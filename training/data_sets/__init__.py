"""Where frames come from, each kind of source in a file; `training.data` has them by name."""
