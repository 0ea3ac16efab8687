"""What all tests share: where MNIST is, the archive, and one TorchServe for the session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import temporary as service
from training.archive.build import build
from training.models import weights

PROJECT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folder of MNIST from the command line too."""
    parser.addoption("--data", default=os.environ.get("MNIST_DIR"), help="the folder that holds MNIST/raw")


@pytest.fixture(scope="session")
def mnist_dir(request: pytest.FixtureRequest) -> Path:
    """The data sets' folder; tests that need MNIST skip where there is none."""
    given = request.config.getoption("--data")
    if not given:
        pytest.skip("needs MNIST: name its folder with --data or MNIST_DIR")
    if not (Path(given) / "MNIST" / "raw").is_dir():
        pytest.fail(f"{given} has no MNIST/raw: name the folder that holds it with --data or MNIST_DIR")
    return Path(given).resolve()


@pytest.fixture(scope="session")
def model_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with the committed model's archive, built by this run's code."""
    store = tmp_path_factory.mktemp("model_store")
    build(PROJECT / weights.DEFAULT_WEIGHTS, "digits", store / "digits.mar")
    return store


@pytest.fixture(scope="session")
def torchserve(model_store: Path) -> Iterator[service.TorchServe]:
    """A running TorchServe with the committed model; tests leave it as they found it."""
    with service.running(model_store) as running:
        yield running
