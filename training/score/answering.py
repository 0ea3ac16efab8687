"""The archive's own handler in this process, asked as TorchServe's worker asks it."""

import importlib
import json
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

# How often a picture for which there was no time is asked for alone, and what is waited before, seconds.
TRIES, PAUSE_S = 30, 1.0
LABELS, SETTINGS, MANIFEST = "index_to_name.json", "model-config.yaml", "MAR-INF/MANIFEST.json"
# Where the archive does not say, TorchServe takes one at a time.
USUAL_BATCH = 1


class BusyMachineError(RuntimeError):
    """Other programs leave no time to read a picture in."""


class Context:
    """What the handler asks of TorchServe's context, for requests without headers.

    Args:
        folder: the unpacked archive.
    """

    def __init__(self, folder: Path) -> None:
        self.system_properties = {"model_dir": str(folder)}
        self.manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        self.model_name = self.manifest["model"]["modelName"]
        self.model_yaml_config = settings(folder)
        self.codes: dict[int, int] = {}

    def get_all_request_header(self, index: int) -> dict[str, str]:
        """Return a request's headers."""
        return {}

    def set_response_status(self, code: int, phrase: str, index: int) -> None:
        """Keep a request's status; it is 200 where none is set."""
        self.codes[index] = code

    def set_response_content_type(self, index: int, content_type: str) -> None:
        """Pass over it: every answer is JSON."""

    def set_response_header(self, index: int, name: str, value: str) -> None:
        """Pass over it: what to do about a 503 is done here."""


class Answering:
    """The handler of an unpacked archive, loaded into this process; its code is the archive's own.

    Args:
        folder: the unpacked archive.

    Raises:
        RuntimeError: the archive is incomplete, or answers otherwise here than where it was built.
    """

    def __init__(self, folder: Path) -> None:
        self._context = Context(folder)
        self.batch = int(self._context.model_yaml_config.get("batchSize", USUAL_BATCH))
        name = Path(self._context.manifest["model"]["handler"]).stem
        # Before the project's own handler, and whatever else has that name.
        sys.path.insert(0, str(folder))
        module = importlib.import_module(name)
        loaded = sys.modules["handler"].__file__ or ""
        if not Path(loaded).is_relative_to(folder):
            raise RuntimeError(f"{loaded} is loaded instead of the archive's handler")
        self._handler = module.DigitHandler()
        self._handler.initialize(self._context)

    def answers(self, payloads: Sequence[bytes]) -> list[tuple[int, dict[str, Any]]]:
        """Return status and answer for each file, in order, read in batches as large as TorchServe's.

        Raises:
            BusyMachineError: others had the processor, again and again.
        """
        found: list[tuple[int, dict[str, Any]]] = []
        for first in range(0, len(payloads), self.batch):
            batch = payloads[first : first + self.batch]
            found += [
                self._alone(payload) if code == 503 else (code, answer)
                for payload, (code, answer) in zip(batch, self._asked(batch), strict=True)
            ]
        return found

    def _alone(self, payload: bytes) -> tuple[int, dict[str, Any]]:
        """Return what a file gets that shares its time with no other, as with a client that asks again."""
        for _ in range(TRIES):
            ((code, answer),) = self._asked([payload])
            if code != 503:
                return code, answer
            time.sleep(PAUSE_S)
        raise BusyMachineError(
            f"no processor was free for a picture, {TRIES} times: run the same command again to continue"
        )

    def _asked(self, payloads: Sequence[bytes]) -> list[tuple[int, dict[str, Any]]]:
        self._context.codes.clear()
        bodies = self._handler.handle([{"body": bytearray(payload)} for payload in payloads], self._context)
        return [(self._context.codes.get(index, 200), json.loads(body)) for index, body in enumerate(bodies)]


def unpack(archive: Path, folder: Path) -> Path:
    """Return the folder after the archive was unpacked into it."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def settings(folder: Path) -> dict[str, Any]:
    """Return what an unpacked archive asks of TorchServe."""
    path = folder / SETTINGS
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def label_names(folder: Path) -> list[str]:
    """Return the labels of an unpacked archive, in the order of the network's outputs."""
    names = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    return [names[str(index)] for index in range(len(names))]
