"""Why TorchServe gave no answer, in words for the person who drew."""


class PredictionError(Exception):
    """There is no answer; the message says why, in words for the person who drew."""


class Refused(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe answers that the image cannot be read as a drawing (400 BadImage)."""


class Busy(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe's queue is full, or no worker is up yet: both come as the same 503."""


class Unreachable(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe cannot be reached, does not answer in time, or answers something unforeseen."""


class NotLoaded(Unreachable):
    """TorchServe runs, and does not know the model."""


class Unexplained(PredictionError):  # noqa: N818 - what happened, as callers read it
    """The model answers drawings, but its archive explains no answer."""
