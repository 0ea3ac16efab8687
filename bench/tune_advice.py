"""What a sweep found out: the table, and which setting to take for throughput and which for low latency."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.findings import failures_in_words
from bench.measured import Measured
from bench.tune_setting import Setting

CONFIG = "handler/model-config.yaml"


@dataclass(frozen=True)
class Visit:
    """One measurement of a setting: under one client, and under many."""

    setting: Setting
    lone: Measured
    busy: Measured


@dataclass(frozen=True)
class Tuned:
    """One setting over all its rounds.

    Attributes:
        setting: what was served.
        rates: answers with 2xx per second under many clients, a number for each round.
        lone_ms: p50 under one client in milliseconds, a number for each round.
        p50_ms: latency under many clients, the median of the rounds; so is the next.
        p99_ms: latency under many clients.
        failures: answers by status, of all rounds together.
    """

    setting: Setting
    rates: tuple[float, ...]
    lone_ms: tuple[float, ...]
    p50_ms: float
    p99_ms: float
    failures: dict[int, int]

    @property
    def requests_per_s(self) -> float:
        """Give the median rate."""
        return statistics.median(self.rates)

    @property
    def lone_p50_ms(self) -> float:
        """Give the median p50 under one client."""
        return statistics.median(self.lone_ms)


Rounds = Callable[[Tuned], tuple[float, ...]]  # one of a setting's figures, a number for each round


def tuned(visits: Sequence[Visit]) -> list[Tuned]:
    """Give each setting's rounds taken together, the highest throughput first."""
    found: dict[Setting, list[Visit]] = {}
    for visit in visits:
        found.setdefault(visit.setting, []).append(visit)
    rows = []
    for setting, rounds in found.items():
        failures: Counter[int] = Counter()
        for visit in rounds:
            failures.update(visit.lone.failures)
            failures.update(visit.busy.failures)
        rows.append(
            Tuned(
                setting=setting,
                rates=tuple(visit.busy.requests_per_s for visit in rounds),
                lone_ms=tuple(visit.lone.p50_ms for visit in rounds),
                p50_ms=statistics.median(visit.busy.p50_ms for visit in rounds),
                p99_ms=statistics.median(visit.busy.p99_ms for visit in rounds),
                failures=dict(failures),
            )
        )
    return sorted(rows, key=lambda row: -row.requests_per_s)


@dataclass(frozen=True)
class Choice:
    """What is advised.

    Attributes:
        throughput: of those whose throughput is the highest but for noise, the quickest for a lone client.
        latency: of those that are quickest for a lone client but for noise, the one of highest throughput.
    """

    throughput: Tuned
    latency: Tuned


def sound(rows: Sequence[Tuned]) -> list[Tuned]:
    """Give the settings that answered every request; the others are shown, but not compared."""
    return [row for row in rows if not row.failures]


def choice(rows: Sequence[Tuned]) -> Choice | None:
    """Give what is advised of sound settings; None where there is none."""
    if not rows:
        return None
    fastest = max(rows, key=lambda row: row.requests_per_s)
    quickest = min(rows, key=lambda row: row.lone_p50_ms)
    return Choice(
        throughput=min(
            (row for row in rows if alike(_rates, fastest, row, rows)), key=lambda row: row.lone_p50_ms
        ),
        latency=max(
            (row for row in rows if alike(_waits, quickest, row, rows)), key=lambda row: row.requests_per_s
        ),
    )


def alike(figure: Rounds, one: Tuned, other: Tuned, rows: Sequence[Tuned]) -> bool:
    """Give whether two settings' medians differ by no more than rounds of one setting do."""
    lower, higher = sorted((statistics.median(figure(one)), statistics.median(figure(other))))
    return higher <= lower * (1 + noise(figure, [one, other], rows))


def noise(figure: Rounds, compared: Sequence[Tuned], rows: Sequence[Tuned]) -> float:
    """Give by what share rounds of one setting differ: the compared ones', but at least the median of all."""
    spreads = [_spread(figure(row)) for row in rows if len(figure(row)) > 1]
    typical = statistics.median(spreads) if spreads else 0.0
    return max(typical, *(_spread(figure(row)) for row in compared))


def markdown(rows: Sequence[Tuned], present: Setting, clients: int) -> str:
    """Give the table, the highest throughput first, with what is advised and what is set now marked."""
    chosen = choice(sound(rows))
    lines = [
        f"| workers | batch | delay ms | {clients} clients: requests/s | p50 ms | p99 ms | "
        "1 client: p50 ms | refused or lost | |",
        "|--:|--:|--:|--:|--:|--:|--:|---|---|",
    ]
    for row in rows:
        marks = [
            *(["**throughput**"] if chosen and row is chosen.throughput else []),
            *(["**low latency**"] if chosen and row is chosen.latency else []),
            *(["now"] if row.setting == present else []),
        ]
        delay = "-" if row.setting.batch == 1 else row.setting.delay_ms
        lines.append(
            f"| {row.setting.workers} | {row.setting.batch} | {delay} | {row.requests_per_s:,.0f} | "
            f"{row.p50_ms:.1f} | {row.p99_ms:.1f} | {row.lone_p50_ms:.2f} | "
            f"{failures_in_words(row.failures)} | {', '.join(marks)} |"
        )
    return "\n".join([*lines, ""])


def advice(rows: Sequence[Tuned], present: Setting, clients: int) -> str:
    """Give in sentences what to take, what it costs, and whether to change what is set now."""
    rows = sound(rows)
    chosen = choice(rows)
    if chosen is None:
        return "No setting answered every request, so none is advised: see the table and TorchServe's logs.\n"
    fast, quick = chosen.throughput, chosen.latency
    if fast is quick:
        said = [
            f"{_capital(fast.setting)} is best at both: {fast.requests_per_s:,.0f} requests/s at {clients} "
            f"clients, and p50 {fast.lone_p50_ms:.2f} ms for one."
        ]
    else:
        said = [
            f"For throughput: {fast.setting}. It answers {fast.requests_per_s:,.0f} requests/s at {clients} "
            f"clients, {fast.requests_per_s / quick.requests_per_s:.2f} times the low-latency setting; one "
            f"client alone waits {fast.lone_p50_ms / quick.lone_p50_ms:.2f} times as long.",
            f"For low latency: {quick.setting}. One client's p50 is {quick.lone_p50_ms:.2f} ms instead of "
            f"{fast.lone_p50_ms:.2f}; at {clients} clients it answers "
            f"{quick.requests_per_s / fast.requests_per_s:.2f} of the throughput setting's requests.",
        ]
    now = next((row for row in rows if row.setting == present), None)
    said += [_of_batching(rows), _of_present(now, present, chosen, rows)]
    if all(len(row.rates) == 1 for row in rows):
        said.append("Each was measured once, so that nothing is known of the noise: use --rounds 2 or more.")
    lines = [f"- {sentence}" for sentence in said if sentence]
    return "\n".join([*lines, "", *_what_to_write(now, chosen, rows)])


def _of_batching(rows: Sequence[Tuned]) -> str:
    """Say what a lone client pays for batching; nothing where only one way was measured."""
    waits: dict[int, list[float]] = {}
    for row in rows:
        waits.setdefault(0 if row.setting.batch == 1 else row.setting.delay_ms, []).append(row.lone_p50_ms)
    if len(waits) < 2:
        return ""
    said = [
        f"{statistics.median(waits[delay_ms]):.2f} ms "
        + (f"with a delay of {delay_ms} ms" if delay_ms else "without batching")
        for delay_ms in sorted(waits)
    ]
    return f"Batching's cost at low load: one client's p50 was {', '.join(said)} (medians over the settings)."


def _of_present(now: Tuned | None, present: Setting, chosen: Choice, rows: Sequence[Tuned]) -> str:
    if now is None:
        return f"{CONFIG} has {present} now, of which there is no sound measurement to compare with."
    parts = []
    for name, best in (("throughput", chosen.throughput), ("low-latency", chosen.latency)):
        if best is now:
            parts.append(f"It is the {name} setting.")
        else:
            changes = [
                _change(_rates, "requests/s", now, best, rows),
                _change(_waits, "one client's p50", now, best, rows),
            ]
            parts.append(f"The {name} setting would change {' and '.join(changes)}.")
    return f"{CONFIG} has {present} now. {' '.join(parts)}"


def _change(figure: Rounds, words: str, now: Tuned, best: Tuned, rows: Sequence[Tuned]) -> str:
    """Give by how much a figure would change, and whether that is more than noise."""
    share = statistics.median(figure(best)) / statistics.median(figure(now)) - 1
    verdict = "within the noise" if alike(figure, now, best, rows) else "more than the noise"
    return f"{words} by {share:+.0%} ({verdict} of {noise(figure, [now, best], rows):.0%})"


def _what_to_write(now: Tuned | None, chosen: Choice, rows: Sequence[Tuned]) -> list[str]:
    """Give the configuration's lines for each choice that beats what is set now by more than noise."""
    wanted: dict[Setting, list[str]] = {}
    if now is None or not alike(_rates, now, chosen.throughput, rows):
        wanted.setdefault(chosen.throughput.setting, []).append("throughput")
    if now is None or not alike(_waits, now, chosen.latency, rows):
        wanted.setdefault(chosen.latency.setting, []).append("low latency")
    if not wanted:
        return [f"Leave {CONFIG} as it is: no change would pay off.", ""]
    lines = []
    for setting, purposes in wanted.items():
        entries = [f"{key}: {value}" for key, value in setting.entries().items()]
        lines += [f"For {' and '.join(purposes)}, write into {CONFIG}:", "", "```yaml", *entries, "```", ""]
    return [*lines, "Then run `make archive` and start the server anew.", ""]


def _rates(row: Tuned) -> tuple[float, ...]:
    return row.rates


def _waits(row: Tuned) -> tuple[float, ...]:
    return row.lone_ms


def _spread(values: Sequence[float]) -> float:
    """Give by what share the largest is above the smallest."""
    return max(values) / min(values) - 1


def _capital(setting: Setting) -> str:
    words = str(setting)
    return words[0].upper() + words[1:]
