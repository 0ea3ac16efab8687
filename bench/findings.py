"""From rows to what a person wants to know: the Markdown table, and the ratios that were promised."""

from collections.abc import Sequence

from bench.load import NO_ANSWER
from bench.rounds import Row

OURS = "Sketchserve"
BASELINE = "TorchServe's defaults, Pillow handler"
# The number of clients that ratios are given for.
BUSY_CLIENTS = 64


def markdown(rows: Sequence[Row], limit_per_s: float) -> str:
    """Return the table, and below it the ratios.

    Args:
        rows: what was measured.
        limit_per_s: pictures a second in a loop without a server, one process a core.
    """
    return "\n".join([table(rows), "", *(f"- {ratio}" for ratio in ratios(rows, limit_per_s)), ""])


def table(rows: Sequence[Row]) -> str:
    """Return the table alone."""
    lines = [
        "| server | clients | requests/s | p50 ms | p99 ms | refused or lost | wrk's CPU |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.server} | {row.clients} | {row.requests_per_s:,.0f} | {row.p50_ms:.1f} | "
            f"{row.p99_ms:.1f} | {failures_in_words(row.failures)} | {row.generator_cpu_share:.0%} |"
        )
    return "\n".join(lines)


def failures_in_words(failures: dict[int, int]) -> str:
    """Return counts by status, such as "503: 1,200"; "none" where there are none."""
    named = {("lost" if status == NO_ANSWER else str(status)): n for status, n in sorted(failures.items())}
    return ", ".join(f"{name}: {number:,}" for name, number in named.items()) or "none"


def ratios(rows: Sequence[Row], limit_per_s: float) -> list[str]:
    """Return one sentence for each comparison that the measured servers allow."""
    busy = busy_rows(rows)
    ours = busy.get(OURS)
    said = [f"In-process limit, no server: {limit_per_s:,.0f} pictures/s."]
    if ours is None or not ours.requests_per_s:
        return said
    said.append(
        f"{OURS} at {ours.clients} clients: {ours.requests_per_s / limit_per_s:.2f} of the "
        f"in-process limit; p99 is {ours.p99_ms / ours.p50_ms:.2f} times p50."
    )
    baseline = busy.get(BASELINE)
    if baseline and baseline.requests_per_s:
        said.append(f"{ours.requests_per_s / baseline.requests_per_s:.1f} times {BASELINE}.")
    peers = [row for name, row in busy.items() if name not in (OURS, BASELINE) and row.requests_per_s]
    if peers:
        best = max(peers, key=lambda row: row.requests_per_s)
        said.append(f"{ours.requests_per_s / best.requests_per_s:.2f} times the best peer, {best.server}.")
    return said


def busy_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """Return each server's row for BUSY_CLIENTS, or for the largest number below, or else the smallest."""
    counts = {row.clients for row in rows}
    below = [count for count in counts if count <= BUSY_CLIENTS]
    count = max(below) if below else min(counts, default=0)
    return {row.server: row for row in rows if row.clients == count}
