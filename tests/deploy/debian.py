"""Programs that the tests of deploy/ run as they are, from Debian's packages."""

import os
import shutil

import pytest

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"


def program(name: str, package: str) -> str:
    """Return the path of an installed program.

    The test skips where it is missing, and fails instead where CI=true.
    """
    path = shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS)
    if path is not None:
        return path
    reason = f"{name} is missing: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
