"""Load PyTorch in TorchServe's workers only once something of it is used, which digits never do.

TorchServe's worker imports it to tell whether an answer that is neither bytes nor text is a tensor. It would
be three fifths of a worker's start and two thirds of its memory. Python runs this file before the worker's
first line, since its folder is on the path (`IN_WORKERS` of `system/environment.py`). A handler that uses
PyTorch finds it as it always is.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

LATE = "torch"


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
