"""An archive's handler outside TorchServe: the very functions and network that TorchServe's workers run."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ts.context import Context

# Where a peer's processes find the unpacked archive.
FOLDER_VARIABLE = "BENCH_ARCHIVE_FOLDER"
BATCH = 16


def load_handler(folder: Path) -> Any:
    """Return the handler of an unpacked archive, initialized; its code is the archive's own."""
    sys.path.insert(0, str(folder))
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text(encoding="utf-8"))
    module = importlib.import_module(Path(manifest["model"]["handler"]).stem)
    handler = module.DigitHandler()
    handler.initialize(
        Context(manifest["model"]["modelName"], str(folder), manifest, BATCH, None, "", metrics=None)
    )
    return handler


def answers(handler: Any, payloads: list[bytes]) -> list[tuple[int, bytes]]:
    """Return status and JSON body for each image file, in order, as one batch."""
    made = handler.preprocess([{"body": bytearray(payload)} for payload in payloads])
    frames = [one.frame for one in made if hasattr(one, "frame")]
    readings = iter(handler.inference(np.stack(frames)) if frames else ())
    return [
        (200, json.dumps(handler.postprocess(next(readings), None)).encode())
        if hasattr(one, "frame")
        else (400, json.dumps(one.answer()).encode())
        for one in made
    ]
