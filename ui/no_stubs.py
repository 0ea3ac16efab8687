"""Import Gradio without the files that it writes for editors.

Each time that it is imported, it writes a stub (.pyi) for each of its components beside its own code: half of
the time that its import takes, and with it a third of the page's start.
"""

from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

WRITER = "gradio.component_meta"


class Loader(SourceFileLoader):
    """Loads the module, and takes the writing out of it."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code. A release of Gradio without that function stays as it is."""
        super().exec_module(module)
        if hasattr(module, "create_or_modify_pyi"):
            vars(module)["create_or_modify_pyi"] = lambda *_: None


class Finder:
    """Finds the one module; others are found as usual."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load the module."""
        spec = PathFinder.find_spec(name, path, target) if name == WRITER else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec
