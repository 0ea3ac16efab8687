"""Train handler/writing.onnx, which tells writing from anything else: `python -m training.writing`."""

import sys

from handler.writing import FILE
from training.options import data_folder, parser_of
from training.writing.fit import Recipe, train
from training.writing.network import export


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.writing", __doc__)
    data_folder(parser)
    try:
        network = train(parser.parse_args(arguments).data, Recipe())
    except OSError as error:
        print(f"writing: {error}", file=sys.stderr)
        return 1
    export(network, FILE)
    print(f"{FILE} ({FILE.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
