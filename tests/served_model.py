"""The committed default model, as tests name it whatever its version is, and as another version."""

import json
import zipfile
from pathlib import Path

from system.files import PROJECT
from training.models import weights

VERSION = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)[1].version
NAMED = f"digits {VERSION}"


def as_version(version: str, archive: Path, out: Path, handler: str = "") -> Path:
    """Copy an archive as another version, with more in its handler; return the copy's path.

    To build it would take a quarter of a minute.
    """
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(out, "w") as made:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "MAR-INF/MANIFEST.json":
                manifest = json.loads(content)
                manifest["model"]["modelVersion"] = version
                content = json.dumps(manifest).encode()
            if member.filename == "digit_handler.py":
                content += handler.encode()
            made.writestr(member, content)
    return out
