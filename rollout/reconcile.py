"""What TorchServe lacks of what is to be served: found out by comparing, and done.

Nothing remembers what was done before. So it does not matter whether a version was promoted, TorchServe was
started again, or whoever was at it was killed: what is missing is done next time.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from client.errors import LoadFailed
from client.management import Management, ModelStatus, path_of
from db.serving import Serving
from db.versions import Version
from rollout.rule import Rule
from system import known_archives

# What is tried no longer is asked until all pages know that.
TAKEN_AWAY_AFTER_S = 60.0
MANIFEST = "MAR-INF/MANIFEST.json"


class NotHere(LoadFailed):
    """The archive is not known, not there, or another one now; the message says which."""


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        verb: What.
        version: To which version.
        workers: How many it gets, to start them.
    """

    verb: Literal["register", "start", "default", "unregister"]
    version: str
    workers: int = 0


@dataclass(frozen=True)
class Places:
    """Where archives are.

    Attributes:
        store: The model store; None where it cannot be seen from here.
        known: The list of archives that may be registered; None for any.
    """

    store: Path | None = None
    known: Path | None = None

    def checked(self, model: str, version: str, known: Version | None) -> str:
        """Return the file that a version is registered from, if it is the one that is known.

        Raises:
            NotHere: Its archive is not known, or another one now.
        """
        if known is None:
            raise NotHere(
                f"there is no known archive of {model} {version}: load it at /models, or set MODELS=..."
            )
        if self.store is None:
            return known.archive
        # A release that brings another version under its name has left it under another one.
        found = known_archives.placed(self.store, known.archive, known.sha256)
        archive = found or self.store / known.archive
        try:
            if known_archives.digest(archive) != known.sha256:
                raise NotHere(f"{archive} is not the file of {model} {version}")
            if self.known is not None and not known_archives.is_known(archive, self.known):
                accept = known_archives.how_to_accept(archive, self.known)
                raise NotHere(f"{archive} was not built here, and no operator has accepted it: {accept}")
        except OSError as error:
            raise NotHere(f"{archive} cannot be read ({error.strerror})") from error
        return archive.name

    def is_unchanged(self, known: Version) -> bool:
        """Return whether the archive of a version that no run has made is the one that it was."""
        if self.store is None or known.run_id is not None:
            return True
        return known_archives.placed(self.store, known.archive, known.sha256) is not None

    def found(self, model: str, version: str, file: str) -> Version | None:
        """Return a version that was registered from this file, None where that is not here any more."""
        if self.store is None or Path(file).name != file:
            return None
        archive = self.store / file
        try:
            with zipfile.ZipFile(archive) as content:
                made = json.loads(content.read(MANIFEST))["model"]
            if str(made["modelVersion"]) != version:
                return None
            return Version(model, version, file, known_archives.digest(archive))
        except (*known_archives.UNREADABLE, LookupError, TypeError, ValueError):
            return None


def wanted(serving: Serving, now: datetime, rule: Rule) -> list[str]:
    """Return the versions that have to be ready, the default one first."""
    tried = [serving.candidate] if serving.candidate and serving.share else []
    is_kept = (now - serving.changed_at).total_seconds() < rule.stays_s
    before = [serving.previous] if serving.previous and is_kept else []
    return [serving.version, *tried, *before]


def unwanted(serving: Serving, now: datetime, rule: Rule) -> dict[str, str]:
    """Return the versions that are served no longer, and the column that names each."""
    age_s = (now - serving.changed_at).total_seconds()
    named = dict.fromkeys(serving.leaving, "leaving") if age_s >= TAKEN_AWAY_AFTER_S else {}
    if serving.candidate and not serving.share and age_s >= TAKEN_AWAY_AFTER_S:
        named[serving.candidate] = "candidate_version"
    if serving.previous and age_s >= rule.stays_s:
        named[serving.previous] = "previous_version"
    return {version: column for version, column in named.items() if version != serving.version}


def steps(
    serving: Serving, served: Mapping[str, ModelStatus], default: str, now: datetime, rule: Rule
) -> list[Step]:
    """Return what is to be done where TorchServe has these versions and this default one."""
    found: list[Step] = []
    versions = wanted(serving, now, rule)
    for version in versions:
        status = served.get(version)
        if status is None:
            found.append(Step("register", version))
        elif not status.workers:
            others = [one.workers for one in served.values()]
            found.append(Step("start", version, max([1, *others])))
    status, before = served.get(serving.version), served.get(default)
    if default != serving.version and status is not None and status.ready_workers:
        found += steps_to_default(before, serving.version, status.workers)
    for version in unwanted(serving, now, rule):
        status = served.get(version)
        waiting = status.serving.waiting if status and status.serving else 0
        # TorchServe would drop what waits, and refuses for the default one.
        if status is not None and version != default and version not in versions and not waiting:
            found.append(Step("unregister", version))
    return found


def steps_to_default(before: ModelStatus | None, version: str, workers: int) -> list[Step]:
    """Return what makes a version TorchServe's default, with as many workers as the one before it has.

    That is done this once: whoever scales it afterwards decides.
    """
    others = before.workers if before else 0
    more = [Step("start", version, others)] if others > workers else []
    return [*more, Step("default", version)]


def do(step: Step, model: str, known: Version | None, management: Management, places: Places) -> None:
    """Do one step.

    Raises:
        LoadFailed: It cannot be done, or TorchServe does not answer.
    """
    path = path_of(model, step.version)
    match step.verb:
        case "register":
            management.register(places.checked(model, step.version, known))
        case "start":
            management.scale(path, step.workers)
        case "default":
            management.set_default(path)
        case "unregister":
            management.unregister(path)
