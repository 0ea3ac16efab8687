"""The network that says whether a frame shows a digit at all."""
