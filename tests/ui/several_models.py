"""A model store of several models, and what the page asks of them."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from client.management import Management
from db.model_uses import ModelUses
from tests.ui.managing import Managing
from ui.models.listing import Model, Models
from ui.models.loading import Loader

DIGITS = tuple("0123456789")
# The second model of the `store` fixture.
VIT = ("digits-vit", "1.0.0")
IDLE_S = 60.0


def put_archive(
    store: Path,
    file: str,
    name: str,
    version: str = "1.0.0",
    labels: Sequence[str] = DIGITS,
    **serving: object,
) -> None:
    with zipfile.ZipFile(store / file, "w") as archive:
        manifest = {"model": {"modelName": name, "modelVersion": version}}
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        archive.writestr("index_to_name.json", json.dumps({str(i): label for i, label in enumerate(labels)}))
        if serving:
            archive.writestr("model.json", json.dumps(serving))


def backend(
    url: str, store: Path | None, idle_s: float = 60, uses: ModelUses | None = None
) -> tuple[Models, Loader]:
    management = Management(url)
    return Models("digits", management, store), Loader(management, "digits", idle_s, uses)


def listed(
    torchserve: Managing, store: Path, idle_s: float = IDLE_S, uses: ModelUses | None = None
) -> tuple[Models, Loader]:
    models, loader = backend(torchserve.url, store, idle_s, uses)
    models.listing()
    return models, loader


def found(models: Models, path: str) -> Model:
    model = models.find(path)
    assert model is not None
    return model


def age(loader: Loader, seconds: float) -> None:
    """Have nobody ask anything for so long, without waiting for it."""
    known = loader._in_use
    with known._clock:
        for path in known._used_at:
            known._used_at[path] -= seconds


def pass_idle_time(loader: Loader) -> None:
    """Nobody asks anything for the idle time, and then the loader looks."""
    age(loader, IDLE_S)
    loader.scale_down_idle()
