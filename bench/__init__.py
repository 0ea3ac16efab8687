"""Measurements: the commands that print the figures of docs/measurements.md."""
