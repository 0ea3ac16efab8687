"""The verdict: whether a candidate may take the champion's place, check by check, each with its numbers."""
