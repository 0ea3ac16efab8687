"""Combine trained networks into one model, which answers with their weighted mean.

    python -m training.fitting.ensemble MEMBER MEMBER ... --data DIR [--out runs/digits-ensemble]

A member is a folder of `make train`, or a folder of `make seeds`: then the members' equal seeds are put
together, one ensemble each, and mean and deviation are printed. Shares, temperature and set threshold are
fitted on validation. Figures of the members stand beside their ensemble's.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from training.data.frames import DataSet, Frames
from training.data.sets import CACHE, load
from training.fitting import report, seeds
from training.fitting.known import with_known
from training.fitting.measure import calibrated, fit_shares, logits_of, measured
from training.models import weights
from training.models.networks import Ensemble
from training.names import FOLDER, MODEL_NAMES
from training.options import data_folder, parser_of

CPU = torch.device("cpu")
MODEL_FILE = "model.safetensors"
# All but how it was drawn by lots and what was fitted afterwards.
ALIKE = ("label_names", "preprocessing", "data_set", "framing")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.fitting.ensemble", __doc__)
    parser.add_argument("members", type=Path, nargs="+", metavar="MEMBER", help="folders of trained networks")
    data_folder(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/digits-ensemble"), help="folder of the results"
    )
    given = parser.parse_args(arguments)
    try:
        put_together(given.members, given.data, given.out)
    except (OSError, ValueError) as error:
        print(f"ensemble: {error}", file=sys.stderr)
        return 1
    return 0


def put_together(members: list[Path], data_dir: Path, out: Path) -> list[dict[str, Any]]:
    """Write an ensemble of the folders, or one for each seed that all of them have; return the metrics.

    Raises:
        OSError: a member or the data set is not there, or the results cannot be written.
        ValueError: fewer than two members, members that do not fit together, or data with other labels.
    """
    if len(members) < 2:
        raise ValueError(f"got {len(members)} member, expected at least two.")
    of_seeds = [{path.parent.name for path in member.glob(f"seed-*/{MODEL_FILE}")} for member in members]
    names = sorted(set.intersection(*of_seeds), key=lambda name: int(name.removeprefix("seed-")))
    data: DataSet | None = None
    each = []
    for name in names or [""]:
        loaded = [weights.load(member / name / MODEL_FILE) for member in members]
        _require_single(loaded, members)
        _require_alike([about for _, about in loaded], members)
        data = data or _data_of(loaded[0][1], data_dir)
        _require_labels_of(data, loaded[0][1], data_dir)
        each.append(_one(loaded, data, out / name))
    if names:
        summary = seeds.over_seeds(each, [int(name.removeprefix("seed-")) for name in names])
        report.write_json(out / "seeds.json", summary)
        print(seeds.table(summary))
    return each


def _one(loaded: list[tuple[torch.nn.Module, weights.About]], data: DataSet, out: Path) -> dict[str, Any]:
    """Write one ensemble and its metrics; return these."""
    ensemble = Ensemble([model for model, _ in loaded]).eval()
    ensemble.temperatures.copy_(torch.tensor([about.temperature for _, about in loaded]))
    read = [
        torch.log_softmax(_reader(model)(data.validation) / about.temperature, dim=1)
        for model, about in loaded
    ]
    ensemble.shares.copy_(fit_shares(torch.stack(read), data.validation.labels))
    members = [{"model": one.architecture, **measured(_reader(model), one, data)} for model, one in loaded]
    version = loaded[0][1].version
    architecture = "+".join(about.architecture for _, about in loaded)
    calibration = calibrated(_reader(ensemble), data, architecture, version)
    about, found, bank = with_known(*calibration, ensemble, data, CPU)
    about = replace(about, preprocessing=loaded[0][1].preprocessing)
    weights.save(out / MODEL_FILE, ensemble.state_dict(), about, bank)
    metrics: dict[str, Any] = {
        "dataset": data.name,
        "model": about.architecture,
        "version": version,
        "parameters": sum(p.numel() for p in ensemble.parameters()),
        "shares": ensemble.shares.tolist(),
        **found,
        "preprocessing": about.preprocessing,
        "members": members,
    }
    report.write_json(out / "metrics.json", metrics)
    for line in (*metrics["members"], metrics):
        tests = ", ".join(f"{name} {row['accuracy']:.2%}" for name, row in line["tests"].items())
        print(f"{line['model']}: validation loss {line['validation']['loss']:.4f}; test: {tests}")
    print(report.sets_line(metrics), flush=True)
    return metrics


def _reader(model: torch.nn.Module) -> Callable[[Frames], torch.Tensor]:
    return partial(logits_of, model, device=CPU)


def _data_of(about: weights.About, data_dir: Path) -> DataSet:
    """Return the data that a member was trained on, or another folder of images named in its place."""
    if about.data_set in MODEL_NAMES:
        return load(about.data_set, data_dir, CACHE)
    # A folder of images has a name of its own, and its framing was chosen.
    return load(FOLDER, data_dir, CACHE, about.framing)


def _require_labels_of(data: DataSet, about: weights.About, data_dir: Path) -> None:
    if (data.name, data.label_names) != (about.data_set, about.label_names):
        raise ValueError(
            f"{data_dir} has the data set {data.name} with the labels {', '.join(data.label_names)}; the "
            f"members expect {about.data_set} with {', '.join(about.label_names)}: name that one with "
            "--data."
        )


def _require_single(loaded: list[tuple[torch.nn.Module, weights.About]], members: list[Path]) -> None:
    for (model, about), path in zip(loaded, members, strict=True):
        if isinstance(model, Ensemble):
            raise ValueError(
                f"{path} is an ensemble itself ({about.architecture}), expected single networks: name its "
                "members instead."
            )


def _require_alike(abouts: list[weights.About], members: list[Path]) -> None:
    for key in ALIKE:
        found = [getattr(about, key) for about in abouts]
        if any(value != found[0] for value in found):
            words = "; ".join(f"{path}: {value}" for path, value in zip(members, found, strict=True))
            raise ValueError(f"The members differ in their {key.replace('_', ' ')} ({words}).")


if __name__ == "__main__":
    sys.exit(main())
