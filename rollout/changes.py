"""What people and the loop decide: try a version, make it the default, go back to the one before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.serving import Look, Serving, ServingRows
from db.versions import Version, Versions
from rollout.looks import FIRST_SHARE, promoted, taken_back
from rollout.routes import on_trial
from rollout.rule import Rule


class NotPossible(Exception):  # noqa: N818 - an answer, not a fault
    """It cannot be done; the message says why and what can be done, in words for people."""


class NotYet(NotPossible):
    """It can be done later; nothing speaks against it."""


@dataclass(frozen=True)
class Desk:
    """Where it is decided; whoever drives TorchServe does the rest within seconds.

    Its methods raise NotPossible, and DatabaseUnavailable.

    Attributes:
        rows: What is to be served.
        versions: Which versions there are.
    """

    rows: ServingRows
    versions: Versions

    def try_out(self, model: str, version: str, served: str, who: str) -> Serving:
        """Have a version that has passed answer the first few sessions.

        Args:
            model: Its model's name.
            version: Which one.
            served: The version that is the default now, where nobody has decided on that yet.
            who: Who wants it, in words.
        """
        serving = self._seen(model, served)
        made = self._made(model, version)
        if serving.version == version:
            raise NotPossible(f"{model} {version} is already the default")
        if why := _objection(made, serving.version):
            raise NotPossible(f"{model} {version} cannot be tried: {why}")
        if serving.share:
            raise NotYet(
                f"{model} {serving.candidate} is being tried: wait for that to end, or run `make rollback`"
            )
        if (end := watched_until(serving)) > datetime.now(UTC):
            raise NotYet(
                f"{model} {serving.version} became the default, and is watched until {end:%d %b, %H:%M} "
                "UTC: nothing else can be tried before that"
            )
        look = Look(version, FIRST_SHARE, "held", f"{who}: it is tried on {FIRST_SHARE} % of sessions.")
        return self._changed(serving, look, candidate_version=version, candidate_share=FIRST_SHARE)

    def promote(self, model: str, version: str, served: str, who: str, *, is_forced: bool = False) -> Serving:
        """Make a version the default at once; it is watched, and taken back by itself.

        Args:
            model: Its model's name.
            version: Which one.
            served: The version that is the default now, where nobody has decided on that yet.
            who: Who wants it, in words.
            is_forced: Whether it need not have passed.
        """
        serving = self._seen(model, served)
        made = self._made(model, version)
        if serving.version == version:
            raise NotPossible(f"{model} {version} is already the default")
        why = _objection(made, serving.version)
        if why and not is_forced:
            raise NotPossible(f"{model} {version} cannot be promoted: {why}")
        how = f"forced, although {why}" if why else "promoted"
        look = Look(version, serving.share, "moved_on", f"{who}: {how}.")
        return self._changed(serving, look, **promoted(serving, version))

    def objection(self, model: str, version: str, served: str) -> str:
        """Return why a version is promoted by force alone, "" where it is not, or is the default already.

        Args:
            model: Its model's name.
            version: Which one.
            served: The version that is the default now, where nobody has decided on that yet.
        """
        serving = self.rows.find(model)
        champion = serving.version if serving else served
        return "" if champion == version else _objection(self.versions.find(model, version), champion)

    def roll_back(self, model: str, who: str) -> Serving:
        """Try what is tried no longer; or else make the version the default that was it before."""
        serving = self.rows.find(model)
        version = on_trial(serving) if serving else None
        if serving is None or version is None:
            raise NotPossible(
                f"no version of {model} is being tried, and no earlier version is kept: `make promote "
                "VERSION=...` makes another one the default"
            )
        look = Look(version, serving.share, "failed", f"{who}: rolled back.")
        return self._changed(serving, look, **taken_back(serving))

    def _seen(self, model: str, served: str) -> Serving:
        """Return what is to be served; where nobody has decided on that yet, what is served."""
        now = datetime.now(UTC)
        return self.rows.find(model) or Serving(model, served, None, None, 0, 0, reason="", changed_at=now)

    def _made(self, model: str, version: str) -> Version:
        made = self.versions.find(model, version)
        if made is None:
            raise NotPossible(
                f"there is no known archive of {model} {version}: `make versions` lists those that are known"
            )
        return made

    def _changed(self, serving: Serving, look: Look, **to: object) -> Serving:
        # Not before: what is refused leaves a model alone on which nobody has decided.
        self.rows.begin(serving.model, serving.version)
        changed = self.rows.change(serving, look, **to)
        if changed is None:
            raise NotPossible("somebody else has changed it in the meantime: look again")
        return changed


def watched_until(serving: Serving) -> datetime:
    """Return until when the default version is watched: where none is kept before it, no longer than now."""
    return serving.changed_at + timedelta(seconds=Rule().stays_s if serving.previous else 0)


def _objection(made: Version | None, champion: str) -> str:
    """Return why a version is not to take the champion's place, in words; "" where the gate has passed it."""
    if made is None:
        return "the gate has not seen it"
    match made.verdict:
        case "refused":
            return f"the gate refused it ({made.why})"
        case "not_enough_evidence":
            return f"there was not enough evidence ({made.why})"
        case "passed" if made.champion == champion:
            return ""
        case "passed":
            return f"the gate compared it with {made.champion}, and {champion} is the default now"
    return "the gate has not seen it"
