"""Measurements: the commands that print the figures which the README gives."""
