"""The network that says whether a frame shows a digit at all, and the outliers it learns from."""
