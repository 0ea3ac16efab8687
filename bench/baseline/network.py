"""The network's class as torch-model-archiver wants it: one class that is made without arguments."""

from training.models import Cnn, Ensemble, LeNet5

LABELS = 10


class Network(Ensemble):
    """The served network, for eager PyTorch."""

    def __init__(self) -> None:
        super().__init__([Cnn(LABELS), LeNet5(LABELS)])
