"""`make archive`: build the served model's archive if it is missing or older than what it is made of.

python -m launch.build [--anew]     the model is MODEL's, digits by default; --anew: whatever its age
"""

import os
import subprocess
import sys
from pathlib import Path

from launch.archive import read_archive
from launch.errors import LaunchError
from launch.settings import Settings, read_settings
from launch.weights import require_weights, weights_path, where_weights_come_from
from system import known_archives
from system.environment import PYTHON, passed
from system.files import PROJECT, sha256
from training.archive.contents import within_project

# What decides what is in an archive, beside the trained file.
INGREDIENTS = (
    "handler/*.py",
    "handler/*.onnx",
    "handler/*.yaml",
    "model_store/digit_gate.safetensors",
    "training/archive/*.py",
    "training/data/drawing.py",
    "training/gate/network.py",
    *(f"training/models/{name}.py" for name in ("classical_file", "networks", "tensor_file", "weights")),
    "requirements.lock",  # the compiled parts are numba's
)


def main() -> None:
    """Build what is to be built; exit with 1 and one line where that cannot be."""
    try:
        settings = read_settings()
        begin_list(settings)
        is_wanted = is_to_be_built(settings, anew="--anew" in sys.argv[1:])
    except LaunchError as error:
        sys.exit(f"make archive: {error}")
    if is_wanted:
        command = [
            *(sys.executable, "-m", "training.archive"),
            *("--weights", str(weights_path(settings))),
            *("--name", settings.model),
            *("--out", str(settings.archive)),
        ]
        # The list of what is built is in VAR_DIR.
        told = {**passed(os.environ, *PYTHON), "VAR_DIR": str(settings.var)}
        sys.exit(subprocess.run(command, cwd=PROJECT, env=told, check=False).returncode)


def begin_list(settings: Settings) -> None:
    """Take the archives that are there before there is a list of known ones for known, and say so.

    Raises:
        LaunchError: the list cannot be written.
    """
    try:
        found = known_archives.begin(settings.known_archives, settings.model_store)
    except OSError as error:
        raise LaunchError(
            f"{settings.known_archives} cannot be written ({error.strerror})",
            "set VAR_DIR to a folder of your own",
        ) from error
    if found:
        names = ", ".join(path.name for path in found)
        print(
            f"make archive: {names} may be served, as before; any other archive must be built here or "
            "accepted by an operator."
        )


def is_to_be_built(settings: Settings, anew: bool) -> bool:
    """Say whether the archive is to be built, now; print why an outdated one is kept.

    Args:
        settings: name the model.
        anew: whatever the archive's age and whatever it was made of.

    Raises:
        LaunchError: there is nothing to build it from, and it is missing or to be built anew.
    """
    require_weights(settings)
    trained = weights_path(settings)
    if not trained.is_file():
        if anew:
            raise LaunchError(
                f"there are no weights to build {settings.archive} from", where_weights_come_from(settings)
            )
        return False
    if anew or not is_outdated(settings):
        return anew
    if is_of_another_file(settings.archive, trained):
        print(
            f"make archive: keeping {settings.archive.name}, which is outdated but was not built from "
            f"{within_project(trained)}; `make -B archive MODEL={settings.model}` replaces it.",
            file=sys.stderr,
        )
        return False
    return True


def is_of_another_file(archive: Path, trained: Path) -> bool:
    """Say whether an archive was built from other weights, and not from what this file held before.

    Somebody's own archive is so, built with `python -m training.archive --weights ...`: replacing it is for
    them to decide. One that is damaged, or does not say what it was built from, is not.
    """
    try:
        built = read_archive(archive)
    except LaunchError:
        return False
    return (
        built.trained_sha256 is not None
        and built.trained_file != within_project(trained)
        and built.trained_sha256 != sha256(trained)
    )


def is_outdated(settings: Settings) -> bool:
    """Say whether the archive is missing or older than something that it is made of."""
    if not settings.archive.is_file():
        return True
    built = settings.archive.stat().st_mtime
    return any(path.stat().st_mtime > built for path in ingredients(weights_path(settings)))


def ingredients(weights: Path) -> list[Path]:
    """Return the files that an archive is made of."""
    return [weights, *(path for pattern in INGREDIENTS for path in PROJECT.glob(pattern))]


if __name__ == "__main__":
    main()
