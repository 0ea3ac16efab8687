"""The committed default model, as tests name it whatever its version is, and as another version."""

import json
import zipfile
from pathlib import Path

from system.files import PROJECT
from training.models import weights

VERSION = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)[1].version
NAMED = f"digits {VERSION}"


def as_version(version: str, archive: Path, out: Path) -> Path:
    """Copy an archive as another version, which takes no time as building it does; return the copy's path."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(out, "w") as made:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "MAR-INF/MANIFEST.json":
                manifest = json.loads(content)
                manifest["model"]["modelVersion"] = version
                content = json.dumps(manifest).encode()
            made.writestr(member, content)
    return out
