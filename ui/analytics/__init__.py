"""What the model does out there: how often, how well, how fast, and whether that changes; for operators."""
