"""Training runs: the recipe, its settings, seeds, ensembles, and what a run reports."""
