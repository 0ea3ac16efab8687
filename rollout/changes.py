"""What people and the loop decide: try a version, make it the default, go back to the one before."""

from dataclasses import dataclass

from db.serving import Look, Serving, ServingRows
from db.versions import Version, Versions
from rollout.looks import FIRST_SHARE, promoted, taken_back
from rollout.routes import on_trial

PASSED = "passed"


class NotPossible(Exception):  # noqa: N818 - an answer, not a fault
    """It cannot be done; the message says why and what can be done, in words for people."""


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
        serving = self.rows.begin(model, served)
        made = self._made(model, version)
        if serving.version == version:
            raise NotPossible(f"{model} {version} is the default already")
        if serving.share:
            raise NotPossible(f"{model} {serving.candidate} is tried now: wait for its end, or make rollback")
        if made.verdict != PASSED:
            raise NotPossible(f"{model} {version} is not tried: {_verdict(made)}")
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
        serving = self.rows.begin(model, served)
        made = self._made(model, version)
        if serving.version == version:
            raise NotPossible(f"{model} {version} is the default already")
        if made.verdict != PASSED and not is_forced:
            raise NotPossible(f"{model} {version} is not promoted: {_verdict(made)}")
        how = "promoted" if made.verdict == PASSED else f"forced, although {_verdict(made)}"
        look = Look(version, serving.share, "moved_on", f"{who}: {how}.")
        return self._changed(serving, look, **promoted(serving, version))

    def roll_back(self, model: str, who: str) -> Serving:
        """Try what is tried no longer; or else make the version the default that was it before."""
        serving = self.rows.find(model)
        version = on_trial(serving) if serving else None
        if serving is None or version is None:
            raise NotPossible(
                f"nothing of {model} is tried, and no version before this one is kept: "
                "make promote VERSION=... makes another one the default"
            )
        look = Look(version, serving.share, "failed", f"{who}: rolled back.")
        return self._changed(serving, look, **taken_back(serving))

    def _made(self, model: str, version: str) -> Version:
        made = self.versions.find(model, version)
        if made is None:
            raise NotPossible(
                f"nobody knows an archive of {model} {version}: make versions lists those known"
            )
        return made

    def _changed(self, serving: Serving, look: Look, **to: object) -> Serving:
        changed = self.rows.change(serving, look, **to)
        if changed is None:
            raise NotPossible("somebody else has changed it meanwhile: look again")
        return changed


def _verdict(made: Version) -> str:
    """Return why a version has not passed, in words."""
    match made.verdict:
        case "refused":
            return f"the gate refused it ({made.why})"
        case "not_enough_evidence":
            return f"there was not enough evidence ({made.why})"
    return "the gate has not seen it"
