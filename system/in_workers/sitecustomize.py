"""What TorchServe's workers begin with: PyTorch comes late, and CUDA_VISIBLE_DEVICES is what it was.

PyTorch is loaded only once something of it is used, which digits never do.

TorchServe's worker imports it to tell whether an answer that is neither bytes nor text is a tensor. It would
be three fifths of a worker's start and two thirds of its memory. Python runs this file before the worker's
first line, since its folder is on the path (`IN_WORKERS` of `system/environment.py`). A handler that uses
PyTorch finds it as it always is.

TorchServe's java does not start where CUDA_VISIBLE_DEVICES names devices by UUID, so there it has another
name (`devices` of `launch/variables.py`).
"""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

LATE = "torch"
DEVICES = "CUDA_VISIBLE_DEVICES"
DEVICES_HERE = f"WORKERS_{DEVICES}"


class Late:
    """A finder of the one module; others are found as usual."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load the module when one of its attributes is first asked for."""
        spec = PathFinder.find_spec(name, path, target) if name == LATE else None
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, Late)
if DEVICES_HERE in os.environ:
    os.environ[DEVICES] = os.environ.pop(DEVICES_HERE)
