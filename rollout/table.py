"""A model's versions as a table: where each comes from, what the gate said, what it does, how right it is."""

from rollout.changes import Desk
from rollout.replicas import Replica

HEADINGS = ("version", "made by", "verdict", "in TorchServe", "answers", "right of judged")


def table(desk: Desk, model: str, there: list[Replica]) -> str:
    """Return the table, and below it why things are as they are."""
    serving = desk.rows.find(model)
    known = {one.version: one for one in desk.versions.all(model)}
    served = sorted({version for replica in there for version in replica.served})
    default = serving.version if serving else next((replica.default for replica in there), "")
    rows = [HEADINGS]
    for version in [*known, *(one for one in served if one not in known)]:
        made = known.get(version)
        judged, right = desk.versions.accuracy(model, version)
        does = "default" if version == default else ""
        if serving and serving.share and version == serving.candidate:
            does = f"{serving.share} % of sessions"
        elif serving and version == serving.previous:
            does = "previous"
        rows.append(
            (
                version,
                f"run {made.run_id}" if made and made.run_id else "",
                made.verdict.replace("_", " ") if made else "",
                _state(version, there),
                does,
                f"{100 * right / judged:.1f} % of {judged:,}" if judged else "",
            )
        )
    if len(rows) == 1:
        serves = "serves none" if there else "does not answer"
        return f"no version of {model} is known, and TorchServe {serves}"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *(["", serving.reason] if serving else [])])


def _state(version: str, there: list[Replica]) -> str:
    if not there:
        return "it does not answer"
    found = [replica.served[version] for replica in there if version in replica.served]
    if not found:
        return "not loaded"
    ready = sum(one.ready_workers for one in found)
    return f"{ready} of {sum(one.workers for one in found)} workers ready"
