"""Answers of networks as a server would give them, without one."""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from loop.fine_tuning import CPU
from loop.verdict.asked import Both
from training.data.frames import DataSet, Frames
from training.evaluation.ask import Answers, Question
from training.fitting.conformal import sets
from training.fitting.measure import logits_of
from training.models.weights import About


@dataclass(frozen=True)
class Small:
    """A network, what its file says of it, and its data."""

    model: nn.Module
    about: About
    data: DataSet

    @property
    def test(self) -> Frames:
        """The digits that it is tested on."""
        return self.data.tests[self.data.name]

    def damaged(self, noise: float) -> "Small":
        """The network with noise on its weights, as a share of their own deviation."""
        model = copy.deepcopy(self.model)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for tensor in model.parameters():
                tensor += torch.randn(tensor.shape, generator=generator) * tensor.std() * noise
        return replace(self, model=model)

    def without(self, label: int) -> "Small":
        """The network that never says this label."""
        model = copy.deepcopy(self.model)
        with torch.no_grad():
            model.head.bias[label] = -1000
        return replace(self, model=model)

    def unsure(self, factor: float) -> "Small":
        """The network whose confidence is that of another temperature."""
        return replace(self, about=replace(self.about, temperature=self.about.temperature * factor))

    def answers(self, part: Frames, name: str = "digits") -> Answers:
        """What it answers to frames."""
        logits = logits_of(self.model, part, CPU) / self.about.temperature
        probabilities = torch.softmax(logits, dim=1).numpy().astype(float)
        question = Question("mnist", name, "", part.labels, lambda index: b"picture %d" % index)
        return Answers(
            question,
            probabilities,
            probabilities.argmax(axis=1),
            sets(probabilities, self.about.set_threshold),
            None,
            np.ones(len(part), bool),
            {"model": "digits", "version": self.about.version, "preprocessing": "-"},
        )

    def beside(self, candidate: "Small", part: Frames | None = None) -> Both:
        """Both networks' answers, this one being the champion."""
        part = part or self.test
        return Both(self.answers(part), candidate.answers(part))
