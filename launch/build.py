"""`make archive`: builds the served model's archive, if it is missing or older than what it is made of.

python -m launch.build [--anew]     the model is MODEL's, digits by default; --anew: whatever its age
"""

import subprocess
import sys
from pathlib import Path

from launch.errors import LaunchError
from launch.settings import PROJECT, Settings, read_settings
from launch.weights import require_weights, weights_path

# What decides what is in an archive, beside the trained file.
INGREDIENTS = (
    "handler/*.py",
    "handler/*.yaml",
    "model_store/digit_gate.safetensors",
    *(f"training/{name}.py" for name in ("archive", "drawing", "golden", "models", "weights")),
)


def main() -> None:
    """Build what is to be built; exit with 1 and one line where that cannot be."""
    try:
        settings = read_settings()
        require_weights(settings)
    except LaunchError as error:
        sys.exit(f"make archive: {error}")
    if weights_path(settings).is_file() and ("--anew" in sys.argv[1:] or is_outdated(settings)):
        command = [
            *(sys.executable, "-m", "training.archive"),
            *("--weights", str(weights_path(settings))),
            *("--name", settings.model),
            *("--out", str(settings.archive)),
        ]
        sys.exit(subprocess.run(command, cwd=PROJECT, check=False).returncode)


def is_outdated(settings: Settings) -> bool:
    """Say whether the archive is missing or older than something that it is made of."""
    if not settings.archive.is_file():
        return True
    built = settings.archive.stat().st_mtime
    return any(path.stat().st_mtime > built for path in ingredients(weights_path(settings)))


def ingredients(weights: Path) -> list[Path]:
    """Give the files that an archive is made of."""
    return [weights, *(path for pattern in INGREDIENTS for path in PROJECT.glob(pattern))]


if __name__ == "__main__":
    main()
