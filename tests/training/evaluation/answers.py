"""Answers as a server would give them, with labels and confidences that a test chooses."""

import numpy as np

from training.evaluation.ask import Answers, Question


def answers(
    predicted: list[int],
    truth: list[int],
    confidence: float | list[float] = 0.9,
    part: str = "kind",
    name: str = "plain",
    renderer: str = "independent",
) -> Answers:
    """Return answers with these labels; -1 is a refusal."""
    probabilities = np.zeros((len(truth), 10))
    sure = np.broadcast_to(confidence, len(truth))
    for row, (label, share) in enumerate(zip(predicted, sure, strict=True)):
        if label >= 0:
            probabilities[row] = (1 - share) / 9
            probabilities[row, label] = share
    question = Question(part, name, renderer, np.array(truth), lambda index: b"picture %d" % index)
    model = {"model": "digits", "version": "1.0.0", "preprocessing": "a1b2c3d4"}
    return Answers(
        question,
        probabilities,
        np.array(predicted),
        members=probabilities > 0.5,
        digit_scores=np.array(predicted) >= 0.0,
        called_digits=np.array(predicted) >= 0,
        model=model,
    )
