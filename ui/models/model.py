"""A version of a model as visitors choose it: what TorchServe and the model store have, in one list."""

from dataclasses import dataclass

from client.management import ModelStatus, path_of
from ui.models.archives import Archive

# What the framings of photographs begin with: "photo-64", "photo-224-whole".
PHOTO = "photo"


@dataclass(frozen=True)
class Model:
    """One version of a model.

    Attributes:
        path: By which it is asked, and known to the browser: what `path_of` gives. The page's own model has
            the name alone, so that it follows what TorchServe has as the default version.
        name: Its name.
        version: Its version; "" where nobody could say.
        file: The archive that it is registered from; "" where the model store has none.
        labels: In the model's order; () where no archive says.
        coverage: The share of drawings whose label is in the answer's set, where the archive says so.
        ready_workers: How many workers could answer when TorchServe was asked last.
        framing: How a picture becomes what its network reads; "" where no archive says.
        worker_bytes: Memory that its archive says a worker takes; 0 where no archive says.
    """

    path: str
    name: str
    version: str
    file: str = ""
    labels: tuple[str, ...] = ()
    coverage: float | None = None
    ready_workers: int = 0
    framing: str = ""
    worker_bytes: int = 0

    @property
    def title(self) -> str:
        """Name and version as a person reads them."""
        return f"{self.name} {self.version}".rstrip()

    @property
    def reads_photos(self) -> bool:
        """Whether it reads photographs, in colour: for these there is nothing to draw."""
        return self.framing.partition("-")[0] == PHOTO

    @property
    def is_own(self) -> bool:
        """Whether it is the page's own, which is never loaded nor taken down from here."""
        return "/" not in self.path


@dataclass(frozen=True)
class Listing:
    """What may be chosen at one moment.

    Attributes:
        models: The page's own first, then by name and version.
        damaged: Archives that cannot be served, and models that TorchServe does not describe: name -> why.
        complaint: Why there may be more that cannot be chosen now; "" when all is well.
        served: What TorchServe has, as it said; what it said last where `is_away`.
        is_away: Whether TorchServe did not say what it has.
    """

    models: tuple[Model, ...]
    damaged: dict[str, str]
    complaint: str
    served: tuple[ModelStatus, ...] = ()
    is_away: bool = False


def merged(
    own: tuple[str, str], served: list[ModelStatus], archives: list[Archive], can_load: bool
) -> tuple[Model, ...]:
    """Return the page's own model, then all others by name and version.

    Args:
        own: Name and version of the page's own; the version is "" where TorchServe did not say.
        served: What TorchServe has.
        archives: What the model store has.
        can_load: Whether archives that are not served can be chosen too.
    """
    # Of two files with the same model, the first by name.
    known = {(archive.name, archive.version): archive for archive in reversed(archives)}
    statuses = {(status.model, status.version): status for status in served}
    if not own[1]:
        own = next((key for key in known if key[0] == own[0]), own)
    others = sorted({*statuses, *(known if can_load else ())} - {own})
    paths = {own: path_of(own[0])}
    paths |= {key: path_of(*key) for key in others}
    return tuple(_model(path, *key, known.get(key), statuses.get(key)) for key, path in paths.items())


def _model(path: str, name: str, version: str, archive: Archive | None, status: ModelStatus | None) -> Model:
    return Model(
        path=path,
        name=name,
        version=version,
        file=archive.file if archive else (status.file if status else ""),
        labels=archive.labels if archive else (),
        coverage=archive.coverage if archive else None,
        ready_workers=status.ready_workers if status else 0,
        framing=archive.framing if archive else "",
        worker_bytes=archive.worker_bytes if archive else 0,
    )
