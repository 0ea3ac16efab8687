"""Imports run one way, between the packages and within each: what is below knows nothing of what is above."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
# What each package may import of the others; all else that it imports is installed.
BELOW = {
    "handler": set(),  # goes into the archive whole
    "system": set(),
    "client": {"system"},
    "db": {"system"},
    "guard": {"system"},
    "reading": {"client", "handler", "system"},
    "training": {"client", "handler", "reading", "system"},
    "rollout": {"client", "db", "system"},
    "ui": {"client", "db", "reading", "rollout", "system"},
    "loop": {"client", "db", "handler", "reading", "rollout", "system", "training"},
    "launch": {"client", "db", "guard", "loop", "system", "training"},
    "bench": {"client", "handler", "launch", "system", "training"},
}
PACKAGES = [name for name in BELOW if (PROJECT / name).is_dir()]


@cache
def modules() -> dict[str, Path]:
    """Return the project's modules with their files, a package by its own name."""
    files = [path for name in PACKAGES for path in (PROJECT / name).rglob("*.py")]
    return {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


@cache
def imported(module: str) -> frozenset[str]:
    """Return the project's modules that a module imports anywhere in its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import: name the module in full"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names & modules().keys() - {module})


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_is_below_it(package: str) -> None:
    found = {
        (module, other)
        for module in modules()
        for other in imported(module)
        if module.split(".")[0] == package and other.split(".")[0] not in BELOW[package] | {package}
    }
    assert not found


def test_no_modules_import_each_other_in_a_circle() -> None:
    require_order({module: set(imported(module)) for module in modules()})


def test_no_rooms_of_training_lean_on_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for module in modules():
        room = ".".join(module.split(".")[:2])
        others = {".".join(other.split(".")[:2]) for other in imported(module)}
        if room.startswith("training."):
            graph.setdefault(room, set()).update(others - {room})
    require_order(graph)


def require_order(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_file_of_the_page_has_more_than_200_lines() -> None:
    files = [path for path in (PROJECT / "ui").rglob("*") if path.suffix in {".py", ".js", ".css", ".html"}]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert len(lengths) > 100
    assert [str(path) for path, length in lengths.items() if length > 200] == []


def test_where_onnx_runtime_is_imported_it_reports_to_nobody_however_that_was_started() -> None:
    import_it = re.compile(r"^(import|from) onnxruntime\b", re.MULTILINE)
    found = {
        name.split(".")[0] for name, path in modules().items() if import_it.search(path.read_text("utf-8"))
    }
    assert "handler" in found
    for package in found:
        code = f"import os, {package}; print(os.environ['ORT_DISABLE_TELEMETRY'])"
        environ = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
        assert (
            subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, env=environ, text=True)
            == "1\n"
        )
