"""Why TorchServe gave no answer, or serves no model, in words for the person who asked."""
# ruff: noqa: N818 - these are named after what happened, as callers read it


class PredictionError(Exception):
    """There is no answer; the message says why, in words for the person who drew."""


class Refused(PredictionError):
    """TorchServe answers that the image cannot be read as a drawing (400 BadImage)."""


class Busy(PredictionError):
    """TorchServe's queue is full, or no worker is up yet: both come as the same 503."""


class Failed(Busy):
    """TorchServe answers 503, too, where the model itself failed; another try may do better."""


class Unreachable(PredictionError):
    """TorchServe cannot be reached, does not answer in time, or answers something unforeseen."""


class NotLoaded(Unreachable):
    """TorchServe runs, and does not know the model."""


class Denied(Unreachable):
    """TorchServe runs, and refuses the question itself (a status of 400 to 499 other than 404)."""


class Unexplained(PredictionError):
    """The model answers drawings, but its archive explains no answer."""


class LoadFailed(Exception):
    """A model cannot be loaded; the message says why, in words for the person who chose it."""


class ChangeRefused(LoadFailed):
    """TorchServe answered that it changed nothing. Without an answer nobody knows."""
