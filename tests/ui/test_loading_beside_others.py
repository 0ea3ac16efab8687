"""Whoever is asked while a model is loaded answers as usual: through the real TorchServe."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from launch.temporary import running
from tests.served_model import as_version
from training.data.drawing import png
from ui.models.listing import Models
from ui.models.loading import Loader

pytestmark = [pytest.mark.integration, pytest.mark.alone]
CLIENTS = 4


def test_nobody_waits_while_a_model_is_loaded(model_store: Path, tmp_path: Path) -> None:
    shutil.copy(model_store / "digits.mar", tmp_path / "digits.mar")
    as_version("9.9.9", tmp_path / "digits.mar", tmp_path / "digits-next.mar")
    with running(tmp_path) as server, ThreadPoolExecutor(CLIENTS) as pool:
        management = server.management()
        models, loader = Models("digits", management, tmp_path), Loader(management, "digits", 60)
        models.listing()
        model = models.find("digits/9.9.9")
        assert model is not None
        is_loaded = threading.Event()

        def longest_wait_s() -> float:
            longest_s = 0.0
            with requests.Session() as session:
                while not is_loaded.is_set():
                    asked = time.monotonic()
                    answer = session.post(
                        f"{server.inference_url}/predictions/digits", data=png("7"), timeout=60
                    )
                    assert answer.status_code == 200
                    longest_s = max(longest_s, time.monotonic() - asked)
                    time.sleep(0.05)
            return longest_s

        waits = [pool.submit(longest_wait_s) for _ in range(CLIENTS)]
        started = time.monotonic()
        try:
            loader.load(model)
            took_s = time.monotonic() - started
        finally:
            is_loaded.set()
        # A client that is held up waits for nearly all of it.
        assert max(wait.result() for wait in waits) < 0.8 * took_s
        url = f"{server.inference_url}/predictions/digits/9.9.9"
        assert requests.post(url, data=png("7"), timeout=60).json()["version"] == "9.9.9"
