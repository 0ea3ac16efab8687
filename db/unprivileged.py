"""A way to run PostgreSQL's programs without root's rights, which they refuse to have."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from system.environment import passed

# The user inside the namespace: any but 0. Outside it is still root, who thus owns the files.
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
# Ends PostgreSQL by a fast shutdown when the process that started it is gone, killed or not (Linux).
_FOLLOW_PARENT = ("setpriv", "--pdeathsig", "INT")
_USERS = ("postgres", "nobody")
# Whether one can enter the folder ($1) and run the program ($2).
_CHECK = 'cd "$1" && exec "$2" --version'


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the message is one line with cause and fix."""


@dataclass(frozen=True)
class Identity:
    """How to run a program: what to put before its command, and who has to own its files (None: as is)."""

    prefix: tuple[str, ...]
    owner: tuple[int, int] | None = None


def choose(data_dir: Path, data: Path, program: Path) -> Identity:
    """Return the identity under which `program` runs on `data`, which need not exist yet, in `data_dir`.

    For root that is a user namespace, where the kernel allows one; else, as in most containers, an
    unprivileged user, to whom existing data is given. Data or a folder of an ordinary user stays theirs.

    Raises:
        EmbeddedError: None works.
    """
    follow = _FOLLOW_PARENT if _failure((*_FOLLOW_PARENT, "true")) is None else ()
    if os.geteuid() != 0:
        return Identity(follow)
    tried = []
    for identity in _candidates(data if data.exists() else data_dir, follow):
        failure = _failure((*identity.prefix, "sh", "-c", _CHECK, "sh", str(data_dir), str(program)))
        if failure is None:
            if data.exists():
                give(data, identity)
            return identity
        tried.append(f"`{' '.join(identity.prefix)}` fails ({failure})")
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and no unprivileged user can run it here: {'; '.join(tried)}. "
        "Run as an ordinary user, move the project to a folder that other users may enter, or set "
        "DATABASE_URL"
    )


def give(path: Path, identity: Identity) -> None:
    """Make `path`, and what a folder holds, the identity's own, unless it is already."""
    if identity.owner is None or path.stat().st_uid == identity.owner[0]:
        return
    for entry in (*path.rglob("*"), path):
        os.chown(entry, *identity.owner, follow_symlinks=False)


def _candidates(owned: Path, follow: tuple[str, ...]) -> list[Identity]:
    status = owned.stat()
    if status.st_uid != 0:
        return [_as_user(status.st_uid, status.st_gid, follow)]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    users = [known[name] for name in _USERS if name in known]
    return [Identity(_NAMESPACE + follow), *(_as_user(user.pw_uid, user.pw_gid, follow) for user in users)]


def _as_user(uid: int, gid: int, follow: tuple[str, ...]) -> Identity:
    command = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *follow[1:])
    return Identity(command, owner=(uid, gid))


def _failure(command: tuple[str, ...]) -> str | None:
    """Return None where the command succeeds, else the last line of what it said."""
    try:
        done = subprocess.run(command, env=passed(os.environ), capture_output=True, text=True, check=False)
    except OSError as error:
        return error.strerror or str(error)
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"
