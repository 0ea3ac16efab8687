"""The sheet as one HTML page that needs nothing else: no script, no request, light and dark."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from training.data.drawing import encoded
from training.evaluation.page import rendered
from training.evaluation.thumbnails import shrunk, url
from training.fitting.batches import changed
from training.samples.opinion import Opinion
from training.samples.sources import Sample

MOST_DOUBTED = 300  # of those that the model takes for something else, the surest first
OF_A_LABEL = 8
MOST_OTHERS = 240
AUGMENTED = 3


def page(
    samples: list[Sample], said: list[Opinion] | None, title: str, command: str, model: str | None
) -> str:
    """Return the page's HTML.

    Args:
        samples: of the whole data set.
        said: what the model says of each; None without a model.
        title: the data set's name.
        command: what made it.
        model: the model's file.
    """
    doubted = _doubted(samples, said) if said else []
    random = np.random.default_rng(0)
    groups: dict[str, list[int]] = {}
    labels = sorted({sample.label for sample in samples})
    of_a_label = max(1, min(OF_A_LABEL, MOST_OTHERS // len(labels)))
    for label in labels[:MOST_OTHERS]:
        own = [index for index, sample in enumerate(samples) if sample.label == label]
        groups[label] = sorted(random.permutation(own)[:of_a_label].tolist())
    return rendered(
        Path(__file__).resolve().parent,
        title=title,
        command=command,
        model=model,
        count=len(samples),
        labels=len(labels),
        disagreed=len(doubted),
        doubted=_cards([samples[one] for one in doubted[:MOST_DOUBTED]], said and [said[i] for i in doubted]),
        groups={
            label: _cards([samples[one] for one in chosen], said and [said[one] for one in chosen])
            for label, chosen in groups.items()
        },
    )


def _doubted(samples: list[Sample], said: list[Opinion]) -> list[int]:
    """Return which samples the model takes for something else, those first of which it is surest."""
    wrong = [index for index, sample in enumerate(samples) if said[index].answer != sample.label]
    return sorted(wrong, key=lambda index: said[index].own - said[index].confidence)


def _cards(samples: list[Sample], said: list[Opinion] | None) -> list[dict[str, Any]]:
    """Return what the page shows of each sample."""
    if not samples:
        return []
    frames = torch.from_numpy(np.stack([sample.frame for sample in samples]))
    generator = torch.Generator().manual_seed(0)
    made = [changed(frames, generator) for _ in range(AUGMENTED)]
    return [
        {
            "label": sample.label,
            "where": sample.where,
            "link": sample.file.resolve().as_uri() if sample.file else "",
            "part": sample.part,
            "picture": shrunk(sample.picture()),
            "frame": _png(sample.frame),
            "augmented": [_png(one[index]) for one in made],
            "opinion": said[index] if said else None,
        }
        for index, sample in enumerate(samples)
    ]


def _png(frame: np.ndarray) -> str:
    return url(encoded(Image.fromarray(frame)), "png")
