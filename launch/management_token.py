"""The token that the management API asks for: a file that only its owner reads."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from launch.errors import LaunchError

TOKEN_BYTES = 32


def make(path: Path) -> None:
    """Write a token, as the header that `curl -H @FILE` sends, unless the file is there.

    Raises:
        LaunchError: it cannot be written, or what is there cannot be read.
    """
    line = f"Authorization: Bearer {secrets.token_urlsafe(TOKEN_BYTES)}\n"
    try:
        with suppress(FileExistsError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w") as written:
                written.write(line)
        if not path.read_text().startswith("Authorization: Bearer "):
            raise LaunchError(
                f"{path} has no line such as 'Authorization: Bearer ...'",
                "remove it, and a new token is made",
            )
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(
            f"the management API's token {path} cannot be used ({error})",
            "set MANAGEMENT_TOKEN_FILE to a file of your own, or VAR_DIR to a folder",
        ) from error
