"""Put the archives that an image was built with into the model store that its containers share.

    MODEL_STORE=/models python -m launch.put_archives

An archive there that holds another version of the same model is kept, under the name that the loop would have
given it: it may be the one that is to be served.
"""

import os
import shutil
import sys
from pathlib import Path

from system import environment, known_archives
from system.files import PROJECT, written_aside
from training.archive.contents import read_archive

BUILT = PROJECT / "model_store"


def main() -> int:
    """Put all of them; return the exit status."""
    try:
        store = environment.path(os.environ, "MODEL_STORE", "model_store")
        for archive in sorted(BUILT.glob("*.mar")):
            if line := put(archive, store):
                print(line)
    except (OSError, ValueError) as error:
        print(f"put_archives: {error}", file=sys.stderr)
        return 1
    return 0


def put(archive: Path, store: Path) -> str:
    """Put an archive into the store, unless it is there; return what was done, "" for nothing.

    Raises:
        OSError: It cannot be read, or not be written there.
        ValueError: It is not an archive.
    """
    place = store / archive.name
    kept = ""
    if place.exists():
        if known_archives.digest(place) == known_archives.digest(archive):
            return ""
        kept = _keep(place, read_archive(archive).version)
    with written_aside(place) as draft:
        shutil.copyfile(archive, draft)
    return f"{place} is now the one from this release{kept}"


def _keep(place: Path, version: str) -> str:
    """Give an archive that holds another version than this one a name of its own; return words for it."""
    try:
        there = read_archive(place)
    except ValueError:  # a damaged one is nobody's
        return ""
    name = f"{place.stem}-{there.version}.mar"
    if there.version == version or place.with_name(name).exists():
        return ""
    # A second name, so that there is no moment without the first.
    place.with_name(name).hardlink_to(place)
    return f"; the previous one is {name}"


if __name__ == "__main__":
    sys.exit(main())
