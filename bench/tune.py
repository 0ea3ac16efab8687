"""Find the best worker count, batch size and batch delay for this machine: `python -m bench.tune`.

One TorchServe serves the archive with one setting after the other, told over its management API, since Java
takes a while of load to reach its speed. Every other round goes backwards, so that a machine that grows
busier favours no setting. Ctrl-C ends the sweep; what was measured so far is printed.
"""

import sys
from collections import Counter
from collections.abc import Sequence

import requests

from bench.findings import failures_in_words
from bench.load import LoadError, Measured, load, require_wrk
from bench.pictures import pictures
from bench.results import say, write
from bench.rounds import row_of
from bench.serving import wait_for_answer
from client.session import authorization, local_session
from launch.errors import LaunchError
from launch.temporary import TorchServe, end_in_order_when_told, running
from system.files import PROJECT
from system.processes import cores
from training.options import parser_of
from training.own.setting import Setting

MODEL, CLIENTS = "digits", 64
JAVA_WARM_UP_S, WARM_UP_S, SECONDS = 20, 1, 2
ROUNDS = 2
ANSWER_S = 120
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

Rounds = dict[Setting, list[tuple[Measured, Measured]]]  # under one client and under CLIENTS, a pair a round


def settings_to_try(
    workers: Sequence[int], batches: Sequence[int], delays_ms: Sequence[int], now: Setting
) -> list[Setting]:
    """Return what is set now, and then every combination that differs, in order."""
    every = {Setting(w, b, d if b > 1 else 1) for w in workers for b in batches for d in delays_ms}
    return [now, *sorted(every - {now})]


def served(server: TorchServe) -> Setting:
    """Return the setting that TorchServe says it serves the model with."""
    with local_session() as session:
        session.headers.update(authorization(server.token_file))
        answer = session.get(f"{server.management_url}/models/{MODEL}", timeout=ANSWER_S)
    answer.raise_for_status()
    (model,) = answer.json()
    return Setting(
        model["minWorkers"], model["batchSize"], model["maxBatchDelay"] if model["batchSize"] > 1 else 1
    )


def serve(server: TorchServe, wanted: Setting) -> None:
    """Have TorchServe serve the model with the setting, and wait for all its workers.

    Raises:
        LaunchError: it serves it with another.
        requests.RequestException: it refused, or does not answer.
    """
    models = f"{server.management_url}/models"
    new = f"url={MODEL}.mar&batch_size={wanted.batch}&max_batch_delay={wanted.delay_ms}&initial_workers=1"
    workers = f"min_worker={wanted.workers}&max_worker={wanted.workers}"
    with local_session() as session:
        session.headers.update(authorization(server.token_file))
        session.delete(f"{models}/{MODEL}", timeout=ANSWER_S)
        session.post(f"{models}?{new}&synchronous=true", timeout=ANSWER_S).raise_for_status()
        scaled = session.put(f"{models}/{MODEL}?{workers}&synchronous=true", timeout=ANSWER_S)
        scaled.raise_for_status()
    applied = served(server)
    if applied != wanted:
        raise LaunchError(f"TorchServe was given {wanted}, but applied {applied}", "see its logs")


def sweep(server: TorchServe, settings: Sequence[Setting], rounds: int, found: Rounds) -> None:
    """Measure each setting once a round into `found`; one that fails is told and left out from then on."""
    files, url = pictures(), f"{server.inference_url}/predictions/{MODEL}"
    left = list(settings)
    for turn in range(1, rounds + 1):
        for setting in left[:] if turn % 2 else left[::-1]:
            try:
                serve(server, setting)
                load(url, files, CLIENTS, WARM_UP_S)
                wait_for_answer(url, files[0])
                alone, busy = load(url, files, 1, SECONDS), load(url, files, CLIENTS, SECONDS)
                wait_for_answer(url, files[0])
            except (LaunchError, LoadError, requests.RequestException) as error:
                left.remove(setting)
                say(f"left out: {setting} ({error})")
            else:
                found.setdefault(setting, []).append((alone, busy))
                rates = f"{busy.requests_per_s:,.0f} requests/s; one client p50 {alone.p50_ms:.2f} ms"
                say(f"round {turn} of {rounds}: {setting}: {rates}")


def report(found: Rounds, now: Setting) -> str:
    """Return the table, the highest throughput first, and the lines of model-config.yaml for the best."""
    lines = [
        f"| workers | batch | delay ms | {CLIENTS} clients: requests/s | lowest to highest | p50 ms | p99 ms "
        "| 1 client: p50 ms | refused or lost | |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|---|---|",
    ]
    rows = {one: [row_of("", 0, kind) for kind in zip(*pairs, strict=True)] for one, pairs in found.items()}
    by_rate = sorted(rows, key=lambda setting: -rows[setting][1].requests_per_s)
    for one in by_rate:
        alone, busy = rows[one]
        rates = [many.requests_per_s for _, many in found[one]]
        failures = failures_in_words(Counter(alone.failures) + Counter(busy.failures))
        lines.append(
            f"| {one.workers} | {one.batch} | {one.delay_ms if one.batch > 1 else '-'} | "
            f"{busy.requests_per_s:,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | {busy.p50_ms:.1f} | "
            f"{busy.p99_ms:.1f} | {alone.p50_ms:.2f} | {failures} | {'now' if one == now else ''} |"
        )
    sound = [one for one in by_rate if not any(row.failures for row in rows[one])]
    if not sound:
        return "\n".join([*lines, "", "No setting answered every request: see TorchServe's logs.", ""])
    quickest = min(sound, key=lambda setting: rows[setting][0].p50_ms)
    for purpose, best in (("The most requests/s", sound[0]), ("The shortest wait of one client", quickest)):
        now_or_not = ", as configured now" if best == now else ""
        lines += ["", f"{purpose}{now_or_not}:", "", "```yaml", *str(best).split(", "), "```"]
    lines += ["", "Write the one you want into handler/model-config.yaml, and run `make archive`."]
    return "\n".join([*lines, "Ignore a gain that is within the range of the rounds.", ""])


def main() -> int:
    """Sweep and print; return the exit status: 1 where nothing was measured, 130 after Ctrl-C."""
    parser = parser_of("bench.tune", __doc__)
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=sorted({1, cores()}),
        help="worker counts (default: %(default)s)",
    )
    parser.add_argument(
        "--batch", type=int, nargs="+", default=[1, 8, 16, 32], help="batch sizes (default: %(default)s)"
    )
    parser.add_argument(
        "--delay",
        type=int,
        nargs="+",
        default=[1, 5],
        help="batch delays, in milliseconds (default: %(default)s)",
    )
    given = parser.parse_args()
    if min([*given.workers, *given.batch, *given.delay]) < 1:
        parser.error(
            "all numbers must be above 0 (TorchServe ignores a delay of 0, and batches of 1 have no delay)"
        )
    end_in_order_when_told()
    found: Rounds = {}
    status = 0
    try:
        require_wrk()
        with running(PROJECT / "model_store", f"{MODEL}.mar") as server:
            settings = settings_to_try(given.workers, given.batch, given.delay, served(server))
            say(f"{len(settings)} settings, {ROUNDS} rounds; Ctrl-C stops, and prints what has been measured")
            load(f"{server.inference_url}/predictions/{MODEL}", pictures(), CLIENTS, JAVA_WARM_UP_S)
            sweep(server, settings, ROUNDS, found)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except (LaunchError, LoadError, requests.RequestException, OSError) as error:
        say(f"bench.tune: {error}")
        status = 1
    if found:
        write("tune.md", report(found, settings[0]))
    return status if found else status or 1


if __name__ == "__main__":
    sys.exit(main())
