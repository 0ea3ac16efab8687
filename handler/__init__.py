"""What runs inside TorchServe's worker: from a request's bytes to a calibrated answer.

This folder goes into the archive whole and imports nothing from the rest of the project.
"""

import os

# ONNX Runtime, which reads this when it is imported, reports to its makers otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
