"""Where the loop finds what it works with, and where it leaves what it makes."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from db.serving import ServingRows
from db.versions import Versions
from loop.candidate import WEIGHTS, Champion
from system import environment, known_archives
from system.files import PROJECT, sha256
from training.archive.contents import Archive, read_archive
from training.names import RUNS


@dataclass(frozen=True)
class Places:
    """Folders and files.

    Attributes:
        store: the model store.
        runs: the folder with a folder for each run.
        data: where the data sets' files lie.
        known: the list of archives that were built here.
    """

    store: Path
    runs: Path
    data: Path
    known: Path

    def of_run(self, model_name: str, run_id: int) -> Path:
        """Return a run's folder."""
        return self.runs / f"{model_name}-{run_id}"


@dataclass(frozen=True)
class Served:
    """The version that answers.

    Attributes:
        archive: its file.
        about: what that says of itself.
    """

    archive: Path
    about: Archive


def places_of(env: Mapping[str, str] = os.environ) -> Places:
    """Return the places that the environment names: MODEL_STORE, VAR_DIR, MNIST_DIR.

    Raises:
        SettingError: a variable cannot be used.
    """
    return Places(
        environment.path(env, "MODEL_STORE", "model_store"),
        PROJECT / RUNS / "loop",
        environment.path(env, "MNIST_DIR", "data"),
        known_archives.place(env),
    )


def served(engine: Engine, model_name: str, places: Places) -> Served:
    """Return the version that answers: the promoted one, or else that of the archive with the model's name.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
        FileNotFoundError: there is no such archive.
        ValueError: it is damaged, or holds another version.
    """
    serving = ServingRows(engine).find(model_name)
    version = serving.version if serving else None
    made = Versions(engine).find(model_name, version) if version else None
    archive = places.store / f"{model_name}.mar"
    if made:
        archive = (
            known_archives.placed(places.store, made.archive, made.sha256) or places.store / made.archive
        )
    about = read_archive(archive)
    if version and about.version != version:
        raise ValueError(
            f"{archive.name} holds version {about.version}, expected {version}: put that version back"
        )
    return Served(archive, about)


def champion(engine: Engine, model_name: str, places: Places) -> Champion:
    """Return the version that answers, and the weights that it was built from.

    Raises:
        FileNotFoundError: these are not here any more, or as `served` does.
        ValueError: as `served` does.
    """
    found = served(engine, model_name, places)
    about = found.about
    made = Versions(engine).find(model_name, about.version)
    folders = [places.of_run(model_name, made.run_id)] if made and made.run_id is not None else []
    trained = Path(about.trained_file or WEIGHTS)
    # Of a file outside the project the archive knows the name alone: beside the archive it is found, too.
    files = [PROJECT / trained, places.store / trained.name, *(folder / WEIGHTS for folder in folders)]
    # And those of runs that a database knows no more which was put back to an earlier time.
    for file in [*files, *sorted(places.runs.glob(f"*/{WEIGHTS}"))]:
        if file.is_file() and sha256(file) == about.trained_sha256:
            return Champion(about.version, file)
    raise FileNotFoundError(
        f"the weights that {found.archive.name} was built from ({about.trained_file}) are missing: put them "
        f"back, or rebuild it with `make -B archive MODEL={model_name}`"
    )


def next_version(engine: Engine, champions: Champion, model_name: str, places: Places) -> str:
    """Return the next minor version after the champion's that no version of the model has: 1.1.0 after 1.0.0.

    Raises:
        ValueError: the champion's has no next one.
    """
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)(\.[0-9]+)*", champions.version)
    if found is None:
        raise ValueError(
            f"the served version is called {champions.version}, which cannot be counted up: expected one "
            "such as 1.0.0"
        )
    taken = {one.version for one in Versions(engine).all(model_name)}
    taken |= {
        about.version
        for about in map(_read, places.store.glob("*.mar"))
        if about and about.name == model_name
    }
    minor = int(found[2]) + 1
    while f"{found[1]}.{minor}.0" in taken:
        minor += 1
    return f"{found[1]}.{minor}.0"


def _read(archive: Path) -> Archive | None:
    try:
        return read_archive(archive)
    except (OSError, ValueError):
        return None
