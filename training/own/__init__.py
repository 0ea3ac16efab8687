"""Networks that somebody brings: from a module or an ONNX file to what an archive is built from."""
