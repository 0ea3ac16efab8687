"""Train the gate and write model_store/digit_gate.safetensors: `python -m training.gate --data DIR`."""

import argparse
import os
import sys
from pathlib import Path

from training.fitting.settings import natural, positive
from training.gate.fit import Recipe, train
from training.gate.network import DEFAULT_GATE, save


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.gate", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument("--data", type=Path, default=default_data, help="the folder of MNIST and pen strokes")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_GATE, help="the gate's file (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=positive, default=Recipe.steps, help="training steps (default: %(default)s)"
    )
    parser.add_argument("--seed", type=natural, default=Recipe.seed)
    parser.add_argument("--version", default="1.0.0", help="the gate's version")
    given = parser.parse_args(arguments)
    try:
        gate, about = train(given.data, Recipe(given.steps, given.seed), given.version)
    except (FileNotFoundError, ValueError) as error:
        print(f"gate: {error}", file=sys.stderr)
        return 1
    save(given.out, gate, about)
    print(f"{given.out} ({given.out.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
