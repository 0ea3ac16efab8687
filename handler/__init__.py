"""What runs inside TorchServe's worker: from a request's bytes to a calibrated answer.

This folder goes into the archive whole and imports nothing from the rest of the project.
"""
