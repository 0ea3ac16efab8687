"""Measurements: the commands that print the figures of docs/measurements.md."""

import os

# ONNX Runtime, which reads this when it is imported, reports to its makers otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
