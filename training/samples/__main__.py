"""Show a data set's samples on one page; those that a trained model misreads come first.

    python -m training.samples --dataset folder --data shapes      -> var/samples/shapes.html

By it people find wrong labels. Each sample is shown as it is, as the frame that the network sees, and as
training changes that.
"""

import os
import shlex
import sys
from pathlib import Path

from system.variables import var_dir
from training.data.looking import HINT, chosen_framing
from training.data.sets import SOURCES
from training.fitting.settings import Settings, architecture, framing
from training.names import FOLDER, USUAL_ARCHITECTURE, folder_name
from training.options import data_folder, parser_of
from training.samples.opinion import opened, opinions, trained_model
from training.samples.page import page
from training.samples.sources import samples_of


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.samples", __doc__)
    data_folder(parser)
    parser.add_argument("--dataset", choices=sorted(SOURCES), default=Settings.dataset)
    parser.add_argument(
        "--framing", type=framing, help=f"with --dataset folder: {HINT} (default: the model's)"
    )
    parser.add_argument("--model", type=architecture, default=USUAL_ARCHITECTURE)
    parser.add_argument(
        "--weights",
        type=Path,
        help="file of the trained model (default: the one that `make train` wrote for the data set)",
    )
    given = parser.parse_args(arguments)
    try:
        name = folder_name(given.data) if given.dataset == FOLDER else given.dataset
        trained = given.weights or trained_model(given.dataset, given.data, given.model)
        model = opened(trained) if trained else None
        seen_as = given.framing or (model.about.framing if model else None)
        if given.dataset == FOLDER:
            seen_as = chosen_framing(given.data, seen_as)
        samples = samples_of(given.dataset, given.data, seen_as or "ink")
        if not samples:
            raise ValueError(f"{given.data} has no images in label folders.")
        said = opinions(model, samples) if model else None
        command = shlex.join(
            ["python", "-m", "training.samples", *(sys.argv[1:] if arguments is None else arguments)]
        )
        html = page(samples, said, name, command, str(model.file) if model else None)
        out = var_dir(os.environ) / "samples" / f"{name}.html"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(html, encoding="utf-8", errors="backslashreplace")  # names of files may be no text
    except (OSError, ValueError) as error:
        print(f"samples: {error}", file=sys.stderr)
        return 1
    if said is None:
        print("no model of this data set has been trained yet, so there are no misread samples to show first")
    else:
        wrong = sum(one.answer != sample.label for one, sample in zip(said, samples, strict=True))
        print(f"{wrong} of {len(samples)} samples are read as something other than their label")
    print(f"the page: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
