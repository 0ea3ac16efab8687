"""The network's class as torch-model-archiver wants it: one class that is made without arguments."""

from system.files import PROJECT
from training.models import weights
from training.models.networks import MODELS, Ensemble

LABELS = 10


class Network(Ensemble):
    """The served network, for eager PyTorch: an ensemble of what the committed weights are made of."""

    def __init__(self) -> None:
        _, about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)  # a worker runs in a folder of its own
        super().__init__([MODELS[name](LABELS) for name in about.architecture.split("+")])
