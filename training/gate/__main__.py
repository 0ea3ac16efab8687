"""Train the gate, and write model_store/digit_gate.safetensors: `python -m training.gate --data DIR`."""

import sys
from pathlib import Path

from training.gate.fit import Recipe
from training.gate.network import DEFAULT_GATE, save
from training.gate.train import train
from training.options import data_folder, parser_of


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.gate", __doc__)
    data_folder(parser)
    parser.add_argument(
        "--none",
        type=Path,
        help="folder of pictures that people judged not to be digits, as the history exports it",
    )
    given = parser.parse_args(arguments)
    try:
        gate, about = train(given.data, Recipe(), given.none)
    except (OSError, ValueError) as error:
        print(f"gate: {error}", file=sys.stderr)
        return 1
    save(DEFAULT_GATE, gate, about)
    print(f"{DEFAULT_GATE} ({DEFAULT_GATE.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
