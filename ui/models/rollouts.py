"""What is to be served, as operators see it and decide on it beside the changes of TorchServe itself."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Engine

from client.errors import LoadFailed
from client.management import path_of
from db.errors import DatabaseUnavailable
from db.serving import Look, Serving, ServingRows
from db.versions import Version as Archived
from db.versions import Versions
from rollout.changes import Desk, NotPossible
from rollout.looks import progress
from rollout.routes import on_trial
from rollout.rule import Rule
from ui.models.board import Board, Version
from ui.models.changes import Change
from ui.models.soon import Soon

AGE_S, WAIT_S = 2.0, 1.0
SHOWN_LOOKS = 6


@dataclass(frozen=True)
class Rollout:
    """What is to be served of one model, and what was seen of it.

    Attributes:
        serving: What is to be served.
        version: The version on trial; "" where there is none.
        path: Its path.
        progress: How far its step is, in words.
        verdict: What the gate said of it, in words.
        looks: The last looks, newest first.
    """

    serving: Serving
    version: str
    path: str
    progress: str
    verdict: str
    looks: list[Look]

    @property
    def words(self) -> str:
        """In a sentence, what is on trial."""
        name = f"{self.serving.model} {self.version}"
        if self.serving.share:
            return f"{name} is being tried on {self.serving.share} % of sessions: {self.progress}."
        if self.version:
            return (
                f"{name} is the default, and is watched: {self.progress}. {self.serving.previous} stays "
                "ready."
            )
        return f"{self.serving.model} {self.serving.version} is the default; nothing is being tried."


class Rollouts:
    """Reads and changes what is to be served; may be used by many threads."""

    def __init__(self, engine: Engine) -> None:
        self._rows, self._versions = ServingRows(engine), Versions(engine)
        self._desk = Desk(self._rows, self._versions)
        self._shown: Soon[list[Rollout]] = Soon(
            lambda: [self._rollout(serving) for serving in self._rows.all()], AGE_S, WAIT_S
        )

    def shown(self) -> list[Rollout]:
        """Return what is to be served of each model, as it was known last."""
        return self._shown.get()[0] or []

    @contextmanager
    def alone(self, path: str) -> Iterator[None]:
        """Keep other pages from changing a version until the end of the block, unless the database is away.

        Raises:
            LoadFailed: Another page is changing it.
        """
        lock = ExitStack()
        try:
            is_alone = lock.enter_context(self._rows.alone(path))
        except DatabaseUnavailable:
            is_alone = True
        try:
            if not is_alone:
                raise LoadFailed("somebody is changing it on another page")
            yield
        finally:
            with suppress(DatabaseUnavailable):
                lock.close()

    def objection(self, version: Version, board: Board) -> str:
        """Return what speaks against making a version the default; "" where the gate has passed it."""
        default = board.default_of(version.model.name)
        served = default.model.version if default else ""
        try:
            said = self._desk.objection(version.model.name, version.model.version, served)
        except DatabaseUnavailable:
            return "the database is unavailable, and the gate's verdict with it"
        return " ".join(said.split())  # as it comes back from a form

    def unconfirmed(self, change: Change, version: Version, board: Board) -> str:
        """Return what speaks against a change that its confirmation has not said; "" where nothing does."""
        said = self.objection(version, board) if change.verb == "default" else ""
        if said in ("", change.despite):
            return ""
        return (
            f"{version.model.title} was not made the default: {said}. Choose it again, and confirm "
            "it despite that."
        )

    def made_default(
        self, change: Change, version: Version, before: str, board: Board | None, who: str
    ) -> str:
        """Have a version stay the default that was made it; return what hinders that, "" where nothing does.

        Args:
            change: What the operator has decided, and despite what.
            version: The new default.
            before: The version that was the default before.
            board: What the page knows of all versions.
            who: Who wants it.
        """
        name = version.model.name
        try:
            for one in board.versions if board else ():
                if (
                    one.sha256
                    and one.model.name == name
                    and one.model.version in (before, version.model.version)
                ):
                    self._versions.note(Archived(name, one.model.version, one.model.file, one.sha256))
            self._desk.promote(name, version.model.version, before, who, is_forced=bool(change.despite))
        except (DatabaseUnavailable, NotPossible) as error:
            return f"but only until TorchServe restarts: {_why(error)}"
        self._shown.renewed(WAIT_S)
        return ""

    def unloaded(self, version: Version, who: str) -> None:
        """Have a version stay away that is taken away.

        Raises:
            LoadFailed: It would come back.
        """
        try:
            serving = self._rows.find(version.model.name)
            if serving and serving.share and serving.candidate == version.model.version:
                self._desk.roll_back(serving.model, who)
            elif serving and serving.previous == version.model.version:
                self._rows.forget(serving, "previous_version")
        except DatabaseUnavailable:
            return  # then it was not the database that had it loaded
        except NotPossible as error:
            raise LoadFailed(str(error)) from error

    def take_back(self, version: Version, who: str) -> None:
        """Try a version no longer, or make the one before it the default.

        Raises:
            LoadFailed: That is not possible now.
        """
        try:
            self._desk.roll_back(version.model.name, who)
        except (DatabaseUnavailable, NotPossible) as error:
            raise LoadFailed(_why(error)) from error
        self._shown.renewed(WAIT_S)

    def _rollout(self, serving: Serving) -> Rollout:
        version = on_trial(serving) or ""
        rule = Rule()
        at = progress(self._rows, self._versions, rule, serving)
        made = self._versions.find(serving.model, version) if version else None
        verdict = f"said {made.verdict.replace('_', ' ')}: {made.why}" if made and made.verdict else ""
        return Rollout(
            serving=serving,
            version=version,
            path=path_of(serving.model, version),
            progress=at.words(rule) if at else "",
            verdict=verdict or "has not seen it",
            looks=self._rows.looks(serving.model, SHOWN_LOOKS),
        )


def _why(error: Exception) -> str:
    return "the database is unavailable" if isinstance(error, DatabaseUnavailable) else str(error)
