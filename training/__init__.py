"""From a data set to an archive: scripts that read downwards."""

import os

# ONNX Runtime, which reads this when it is imported, reports to its makers otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
