"""What all tests share: where MNIST is, the archive, and one TorchServe for the session."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launch import temporary as service
from launch.build import is_of_another_file, is_outdated
from launch.settings import read_settings
from system import ports
from tests import marks
from training.archive.build import build
from training.models import weights

PROJECT = Path(__file__).resolve().parent.parent
# These share one deployed platform (tests/deploy/conftest.py), of which a machine can have one at a time. In
# this order: the last one publishes it for good.
DEPLOYED = (
    "test_container_networks.py",
    "test_containers.py",
    "test_faults.py",
    "test_model_store.py",
    "test_published.py",
)

for _key in [key for key in os.environ if key.lower() in ("http_proxy", "https_proxy", "all_proxy")]:
    del os.environ[_key]  # a company's, which does not find what tests start here

if _worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # A port that one worker found free is not taken by another before its server listens.
    ports.FIRST += int(_worker.removeprefix("gw"))
    ports.STEP = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # nohup's: what the tests start, and end by it, would inherit that.
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What a test ignores is not ignored by the programs that the next ones start, and end by it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        if handler is not None:  # it is not Python's
            signal.signal(number, handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folder of MNIST from the command line too."""
    parser.addoption("--data", default=os.environ.get("MNIST_DIR"), help="the folder that holds MNIST/raw")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over files without a test that -m asks for: to import all takes long, in each of CI's runs."""
    if not (collection_path.name.startswith("test_") and collection_path.suffix == ".py"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    return None if marks.may_select(text, config.option.markexpr) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest, so that no worker of pytest-xdist has it alone at the end.

    Raises:
        pytest.UsageError: a test has a mark that its file does not name, by which files are passed over.
    """
    named: dict[Path, frozenset[str]] = {}
    for item in items:
        if item.path not in named:
            named[item.path] = marks.named(item.path.read_text(encoding="utf-8"))
        foreign = {mark.name for mark in item.iter_markers()} & marks.CHOOSING - named[item.path]
        if foreign:
            raise pytest.UsageError(f"{item.path} does not say itself that {item.name} is {foreign}")
    places = {name: place for place, name in enumerate(DEPLOYED)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return pytest-xdist's scheduler of whole files, for which `DEPLOYED` are one file.

    Its own groups (`--dist loadgroup`) do nothing with pytest 9: it renames tests in an attribute that is no
    longer read.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "deployed" if file.startswith("tests/deploy/") and file.endswith(DEPLOYED) else file

    return Scheduling(config, log)


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
    """A model store with the committed model's archive; `make archive` has built it, or it is built here."""
    store = tmp_path_factory.mktemp("model_store")
    trained, kept = PROJECT / weights.DEFAULT_WEIGHTS, read_settings({})
    if is_outdated(kept) or is_of_another_file(kept.archive, trained):
        build(trained, "digits", store / "digits.mar")
    else:
        shutil.copy(kept.archive, store / "digits.mar")
    return store


@pytest.fixture(scope="session")
def torchserve(model_store: Path) -> Iterator[service.TorchServe]:
    """A running TorchServe with the committed model; tests leave it as they found it."""
    with service.running(model_store) as running:
        yield running
