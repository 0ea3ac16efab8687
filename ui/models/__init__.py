"""The models: which there are, the chooser, and how the chosen one is loaded."""
