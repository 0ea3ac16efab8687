"""Every variable, metric, route, verb and option that exists is in the documents, and the other way round."""

import os
import re
import subprocess

import pytest

from tests.docs import surface
from tests.docs.documents import CURRENT, PROJECT, code, read

# Read, but nobody's to set: what a program or tool hands to what it starts.
INTERNAL = {
    "BENCH_ARCHIVE_FOLDER",  # these two: bench to the servers that it compares
    "BENCH_WEIGHTS",
    "LOG_LOCATION",  # these two: launch to TorchServe
    "LOG_ROLLED",
    "ORT_DISABLE_TELEMETRY",  # the packages that import ONNX Runtime to it
    "PATH",
    "RANK",  # these two: torchrun to its processes
    "WORLD_SIZE",
}
# Read by programs that are not ours.
FOREIGN = {
    "COMPOSE_PROFILES",  # these two: docker compose
    "COMPOSE_PROJECT_NAME",
    "FORWARDED_ALLOW_IPS",  # uvicorn
    "PGPASSFILE",  # libpq
    "TS_...",  # TorchServe
}
# Verbs whose ARGS are for programs that are not ours.
PASSED_ON = {"test", "test-unit", "logs", "db-shell"}
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
PACKAGES = sorted({path.partition("/")[0] for path in surface.modules()})


def words(documents: list[str] = CURRENT) -> set[str]:
    """Return the words that are set as code."""
    return {word for document in documents for span in code(document) for word in re.findall(r"[\w.]+", span)}


def first_cells(document: str, title: str) -> list[str]:
    """Return what is set as code in the first column of the tables whose first column has this title."""
    found: list[str] = []
    for table in re.findall(rf"^\| {title} \|.*\n\|[-:| ]+\|\n((?:\|.*\n)+)", read(document), re.MULTILINE):
        for row in table.splitlines():
            found += re.findall(r"`([^`]+)`", row.split(" | ")[0])
    return found


def test_every_variable_is_documented() -> None:
    asked = {name for name in surface.variables() if not name.startswith("TS_")} | surface.make_variables()
    assert asked - words() - INTERNAL == set()


def test_every_documented_variable_is_read() -> None:
    documented = {name for document in CURRENT for name in first_cells(document, "variable")}
    assert len(documented) > 30
    assert documented - surface.variables() - surface.make_variables() - FOREIGN == set()
    assert INTERNAL - surface.variables() == set(), "not read any more"


def test_every_metric_is_documented_and_every_documented_metric_of_our_own_exists() -> None:
    documented = words(["docs/monitoring.md"])
    assert surface.metrics() - documented == set()
    table = first_cells("docs/monitoring.md", "metric")
    ours = {name for name in table if re.match("handler_|sketchserve_|ts_|Requests", name)}
    assert len(ours) > 30
    assert ours - surface.metrics() == set()


def test_every_route_of_the_page_is_documented_and_every_documented_one_exists() -> None:
    documented = set(re.findall(r"http://127\.0\.0\.1:7860(/\w+)", read("docs/api.md")))
    for_people = set(re.findall(r"`(/sign-[\w.]+)`", read("docs/sign-in.md")))
    for_people |= set(re.findall(r"`(/models[\w./-]*)`", read("docs/models.md")))
    for_people |= set(re.findall(r"`(/analytics)`", read("docs/analytics.md")))
    for_people |= set(re.findall(r"`(/history[\w/{}.-]*)`", read("docs/history.md")))
    for_people |= set(re.findall(r"`(/review[\w/{}]*)`", read("docs/loop.md")))
    for_people |= set(re.findall(r"`(/(?:pictures|manifest\.json))`", read("docs/pictures.md")))
    assert documented | for_people == surface.routes()


def test_every_route_of_the_proxy_is_documented() -> None:
    internal = {"/favicon.ico"}  # browsers ask for it by themselves
    assert (
        surface.proxy_routes() - internal - set(re.findall(r"/[\w./-]+", " ".join(code("docs/proxy.md"))))
        == set()
    )


def test_every_verb_is_documented_and_every_documented_verb_exists() -> None:
    documented = {cell.partition(" ")[2] for cell in first_cells("docs/operating.md", "verb")}
    assert documented == surface.verbs()


def test_make_alone_lists_every_verb_on_one_screen() -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    shown = subprocess.run(
        ["make"], cwd=PROJECT, env=environ, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r" make ([a-z-]+) ", shown)) == surface.verbs()
    lines = shown.splitlines()
    assert len(lines) <= 35
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("package", PACKAGES)
def test_every_option_is_documented_and_every_documented_option_exists(package: str) -> None:
    sections = re.split(r"^## ", read("docs/commands.md"), flags=re.MULTILINE)[1:]
    of_package = [section for section in sections if re.match(f"`{package}[.`]", section)]
    documented = {
        option for section in of_package for option in re.findall(r"^\| `(--[\w-]+)", section, re.M)
    }
    assert surface.options(package) - documented == set()
    # Several packages have options of training's.
    assert documented - surface.options(package) - surface.options("training") == set()


def test_every_command_is_documented() -> None:
    assert surface.commands() - words(["docs/commands.md"]) == set()


def test_options_in_the_documents_are_options_of_ours() -> None:
    asked: list[str] = []
    for span in (span for document in CURRENT for span in code(document)):
        for command in re.findall(rf"-m (?:{'|'.join(PACKAGES)})\.([^\n&|]*)", span):
            asked += OPTION.findall(command)
        for verb, arguments in re.findall(r'make ([a-z-]+)[^`\n]*? ARGS="?([^"]*)', span):
            asked += [] if verb in PASSED_ON else OPTION.findall(arguments)
    assert len(asked) > 10
    assert set(asked) - {option for package in PACKAGES for option in surface.options(package)} == set()
