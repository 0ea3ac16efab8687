"""What users can name: variables, metrics, routes, verbs and options, as the code itself has them."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import yaml

from tests.docs.documents import PROJECT

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_ENVIRONMENTS = {"env", "environ", "environment"}
_METRIC = re.compile(r"(handler|sketchserve)_[a-z_]+")


@cache
def modules() -> dict[str, ast.Module]:
    """Return the project's own modules, parsed, by path; tests and what was built are none."""
    return {
        path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in sorted(PROJECT.iterdir())
        if folder.is_dir() and folder.name not in ("tests", "var", "runs", "data") and folder.name[0] != "."
        for path in sorted(folder.rglob("*.py"))
    }


def options(package: str) -> set[str]:
    """Return every option, such as --data, of the commands in a folder."""
    return {
        word
        for path, tree in modules().items()
        if path.startswith(f"{package}/")
        for call in _calls(tree, "add_argument")
        for word in _texts(call.args)
        if word.startswith("--")
    }


@cache
def commands() -> frozenset[str]:
    """Return every module that `python -m` runs."""
    found = set()
    for path, tree in modules().items():
        if path.endswith("/__main__.py") or any(
            isinstance(node, ast.If) and "'__main__'" in ast.unparse(node.test) for node in tree.body
        ):
            found.add(path.removesuffix(".py").removesuffix("/__main__").replace("/", "."))
    return frozenset(found)


@cache
def routes() -> frozenset[str]:
    """Return the paths that the page's server answers beside Gradio's own."""
    return frozenset(
        text
        for path, tree in modules().items()
        if path.startswith("ui/")
        for verb in ("get", "post", "put", "delete", "head", "api_route", "add_api_route", "add_route")
        for call in _calls(tree, verb)
        for text in _texts(call.args[:1])
        if re.fullmatch(r"/[\w/{}.-]*", text) and isinstance(call.func, ast.Attribute)
    )


def proxy_routes() -> set[str]:
    """Return the exact paths that the proxy treats in a way of its own."""
    return {
        path
        for file in (PROJECT / "deploy" / "nginx").glob("*.conf")
        for path in re.findall(r"^\s*location (?:=|\^~) (/[\w./-]+)", file.read_text(), re.MULTILINE)
        if not path.startswith("/errors/")
    }


def verbs() -> set[str]:
    """Return the verbs that `make` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))


@cache
def metrics() -> frozenset[str]:
    """Return the metrics of handler, page and backup service, and TorchServe's, as Prometheus names them."""
    theirs = yaml.safe_load((PROJECT / "handler" / "metrics.yaml").read_text())["ts_metrics"]
    found = {metric["name"] for kind in theirs.values() for metric in kind}
    for tree in modules().values():
        prefixes = dict(_prefixes(tree))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = _name(call.func)
            for text in _texts(call.args[:1]):
                metric = prefixes.get(name, "") + text
                if _METRIC.fullmatch(metric):
                    # prometheus_client adds the ending to counters that lack it.
                    is_counter = name in ("Counter", "CounterMetricFamily")
                    found.add(metric.removesuffix("_total") + "_total" if is_counter else metric)
    return frozenset(found)


def _prefixes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Return what functions put before the name that they are given, by function."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for text in (node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)):
            if isinstance(text.values[0], ast.Constant):
                yield function.name, str(text.values[0].value)


@cache
def variables() -> frozenset[str]:
    """Return the environment variables that Python code, shell scripts, compose file and log4j read."""
    found = {name for tree in modules().values() for name in _variables(tree)}
    for path in [*PROJECT.glob("*/*.sh"), *PROJECT.glob("deploy/*/*.sh"), PROJECT / "docker-compose.yml"]:
        text = path.read_text(encoding="utf-8")
        # ${X:-...} in shell and compose; what a script sets itself is its own.
        mine = set(re.findall(r"^\s*(?:export |local )?(\w+)=", text, re.MULTILINE))
        found |= set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)(?::?[-?=])", text)) - mine
    log4j = next(PROJECT.glob("*/log4j2.xml")).read_text()
    return frozenset(found | set(re.findall(r"\$\{env:([A-Z_]+)", log4j)))


def make_variables() -> set[str]:
    """Return the variables that the Makefile takes from its command line."""
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    mine = set(re.findall(r"^(\w+) *:?=", text, re.MULTILINE))
    return (
        set(re.findall(r"(?<!\$)\$\((?:if \$\()?([A-Z_]+)\)", text)) - mine - {"MAKEFLAGS", "MAKEFILE_LIST"}
    )


def _variables(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        # In a function that is given the environment, what it calls may have it, too.
        if isinstance(node, ast.FunctionDef) and any(one.arg in _ENVIRONMENTS for one in node.args.args):
            called = [
                text for call in ast.walk(node) if isinstance(call, ast.Call) for text in _texts(call.args)
            ]
            yield from (text for text in called if "_" in text and _VARIABLE.fullmatch(text))
        asked: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            asked = [node.slice]
        elif isinstance(node, ast.Compare) and any(_is_environment(one) for one in node.comparators):
            asked = [node.left]
        elif isinstance(node, ast.Call):
            # environ.get("X"), and readers that take the environment beside the name or say so by theirs.
            near = [*node.args, getattr(node.func, "value", node.func)]
            if any(_is_environment(one) for one in near) or "env" in _name(node.func).lower():
                asked = node.args
        for text in _texts(asked):
            if _VARIABLE.fullmatch(text):
                yield text


def _is_environment(node: ast.expr) -> bool:
    return _name(node).lstrip("_") in _ENVIRONMENTS


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == name:
            yield node


def _texts(nodes: list[ast.expr]) -> list[str]:
    """Return the texts among expressions; a constant of any module is known by its name."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        elif name := _name(node):
            found += _constants().get(name, [])
    return found


@cache
def _constants() -> dict[str, list[str]]:
    """Return the texts that constants of modules have, by name."""
    found: dict[str, list[str]] = {}
    for tree in modules().values():
        for node in tree.body:
            if isinstance(node, ast.Assign):
                target, value = node.targets[0], node.value
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = getattr(value, "elts", [value]) if isinstance(target, ast.Tuple) else [value]
                for name, one in zip(names, values, strict=False):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found.setdefault(_name(name), []).append(one.value)
    return found
