"""The embedded server's address and password, which can be known before it runs."""

import os
import secrets
from pathlib import Path

from db import postmaster
from db.cluster import DATABASE, ROLE
from system.files import close_files, sync


def make_folder(data_dir: Path) -> None:
    """Make the embedded server's folder where it is absent: others may pass through it, and not look.

    Files of before, its log for one, are closed to them.
    """
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    close_files(data_dir)


def password(data_dir: Path) -> str:
    """Return the embedded server's password; the first call makes one, which only its owner can read."""
    make_folder(data_dir)
    path = data_dir / "password"
    if path.exists() and not path.stat().st_size:
        path.unlink(missing_ok=True)  # a power failure has left it without its content
    if not path.exists():
        draft = data_dir / f"password.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        sync(draft)
        try:
            # A link appears with its content and never replaces another: of two processes one wins.
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links: of two at the same moment the later one wins
            if not path.exists():
                draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text().strip()


def url(data_dir: Path, port: int) -> str:
    """Return the URL, password included, of the embedded server of `data_dir` on `port`."""
    return f"postgresql://{ROLE}:{password(data_dir)}@{_place(port)}"


def public_url(port: int) -> str:
    """Return the URL of the embedded server on `port` without the password, to be shown."""
    return f"postgresql://{ROLE}@{_place(port)}"


def running_url(data_dir: Path) -> str | None:
    """Return the URL, password included, of the server that runs on `data_dir`, or None where none does."""
    server = postmaster.live(data_dir / "data")
    if server is None or server.port is None:
        return None
    return url(data_dir, server.port)


def _place(port: int) -> str:
    return f"127.0.0.1:{port}/{DATABASE}"
