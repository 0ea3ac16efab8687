"""Every version that TorchServe serves or the model store has, with all that operators want to know of it."""

from dataclasses import dataclass
from pathlib import Path

from client.errors import Unreachable
from client.management import Management, ModelStatus, path_of
from system import known_archives
from ui.models.listing import Models
from ui.models.model import Model
from ui.models.soon import Soon

# What operators see may be so old; what they do looks again.
STATES_AGE_S = 1.5
# So long a page waits for them.
WAIT_S = 1.0


@dataclass(frozen=True)
class Version:
    """One version of a model.

    Attributes:
        model: As visitors choose it.
        status: What TorchServe says of it; None where it does not serve it.
        is_default: Whether it answers who asks for the model without naming a version.
        is_pages: Whether it is what the page itself reads with.
        archive_bytes: The size of its archive; None where the page cannot see that.
        sha256: The archive's, in hexadecimal; "" where the page cannot see it.
        is_known: Whether the archive may be loaded: it was built here, or an operator has accepted it.
    """

    model: Model
    status: ModelStatus | None = None
    is_default: bool = False
    is_pages: bool = False
    archive_bytes: int | None = None
    sha256: str = ""
    is_known: bool = False

    @property
    def path(self) -> str:
        """By which TorchServe is asked for this version and no other."""
        return path_of(self.model.name, self.model.version)

    @property
    def workers(self) -> int:
        """How many workers it has, those that still start among them."""
        return self.status.workers if self.status else 0

    @property
    def is_ready(self) -> bool:
        """Whether it can answer now."""
        return self.status is not None and self.status.ready_workers > 0

    @property
    def is_starting(self) -> bool:
        """Whether some of its workers cannot answer yet."""
        return self.status is not None and self.status.ready_workers < self.status.workers

    @property
    def seen(self) -> str:
        """What an operator sees who decides on a change; what it is by then may be something else."""
        workers = f"{self.workers} worker{'' if self.workers == 1 else 's'}"
        return f"{self.state}, {workers}{', default' if self.is_default else ''}"

    @property
    def state(self) -> str:
        """In one or two words, what can be had of it now."""
        if self.status is None:
            return "not loaded"
        if self.is_ready:
            return "ready"
        return "loading" if self.status.workers else "no worker"


@dataclass(frozen=True)
class Board:
    """All versions at one moment.

    Attributes:
        versions: The page's own first, then by name and version.
        refused: Archives that cannot be loaded, and models that TorchServe does not describe: name -> why.
        is_away: Whether TorchServe did not say what it has now; then this is what it said last.
    """

    versions: tuple[Version, ...]
    refused: dict[str, str]
    is_away: bool

    def find(self, path: str) -> Version | None:
        """Return the version with this path."""
        return next((version for version in self.versions if version.path == path), None)

    def default_of(self, name: str) -> Version | None:
        """Return the version that answers who asks for a model without naming one."""
        return next((one for one in self.versions if one.is_default and one.model.name == name), None)

    def worker_bytes(self, version: Version) -> int:
        """Return how much memory another worker of a version takes.

        That is what its archive says. Where it does not, it is what the largest worker takes that runs, or 0
        where none does.
        """
        servings = [one.status.serving for one in self.versions if one.status]
        largest = max((serving.worker_bytes for serving in servings if serving), default=0)
        return version.model.worker_bytes or largest


class Boards:
    """Makes boards; may be used by many threads, and asks TorchServe once for all of them.

    Args:
        models: What visitors may choose.
        management: TorchServe's management API.
        store: The folder of archives; None where the page cannot see it.
        known: The list of those that may be registered; None for any.
    """

    def __init__(
        self, models: Models, management: Management, store: Path | None, known: Path | None
    ) -> None:
        self._models = models
        self._management = management
        self._store = store
        self._known = known
        self._boards = Soon(self._board, STATES_AGE_S, WAIT_S)

    def board(self) -> tuple[Board | None, bool]:
        """Return the board, None where nothing is known yet, and whether it shows how things are now."""
        board, is_current = self._boards.get()
        return board, is_current and board is not None and not board.is_away

    def renewed(self, wait_s: float) -> Board:
        """Return the board as it is from now on.

        Raises:
            Unreachable: TorchServe does not say.
        """
        board = self._boards.renewed(wait_s)
        if board is None or board.is_away:
            raise Unreachable("TorchServe is not responding")
        return board

    def _board(self) -> Board:
        listing = self._models.listing()
        statuses = {(status.model, status.version): status for status in listing.served}
        defaults = {} if listing.is_away else self._defaults(list(statuses))
        versions = tuple(
            self._version(
                model,
                statuses.get((model.name, model.version)),
                is_default=model.is_own or defaults.get(model.name) == model.version,
            )
            for model in listing.models
        )
        return Board(versions, listing.damaged, listing.is_away)

    def _defaults(self, served: list[tuple[str, str]]) -> dict[str, str]:
        """Return each served model's default version; only where there are several, TorchServe has to say."""
        names = [name for name, _ in served]
        found = {name: version for name, version in served if names.count(name) == 1}
        for name in {*names} - {*found}:
            status = self._management.find(path_of(name))
            if status is not None:
                found[name] = status.version
        return found

    def _version(self, model: Model, status: ModelStatus | None, is_default: bool) -> Version:
        size, sha256, is_known = None, "", False
        if self._store is not None and model.file and Path(model.file).name == model.file:
            path = self._store / model.file
            try:
                size, sha256 = path.stat().st_size, known_archives.digest(path)
                is_known = self._known is None or known_archives.is_known(path, self._known)
            except OSError:
                size, sha256 = None, ""
        return Version(model, status, is_default, model.is_own, size, sha256, is_known)
