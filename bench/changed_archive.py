"""A copy of an archive in which some files are changed, to be measured beside the archive itself."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path


def changed_archive(archive: Path, name: str, changes: Mapping[str, Callable[[bytes], bytes]]) -> Path:
    """Give a copy beside the archive; everything that is not named stays as it is, with its time.

    Args:
        archive: a .mar file.
        name: the copy's name without its suffix.
        changes: by the name of a file inside the archive, what makes its new content of the old.

    Raises:
        ValueError: the archive has no such file.
    """
    copy = archive.with_name(f"{name}.mar")
    with zipfile.ZipFile(archive) as packed:
        absent = set(changes) - set(packed.namelist())
        if absent:
            raise ValueError(f"{archive.name} has no {', '.join(sorted(absent))} that could be changed")
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as written:
            for entry in packed.infolist():
                content = packed.read(entry)
                change = changes.get(entry.filename)
                written.writestr(entry, change(content) if change else content, zipfile.ZIP_DEFLATED)
    return copy
