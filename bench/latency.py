"""Measures one prediction at rest: `python -m bench.latency`, against a running TorchServe.

One client asks again and again over one connection, so that nothing queues. The server's delay for a batch
that does not fill is part of every figure.
"""

import argparse
import os
import statistics
import sys
import time

import requests

from launch.bring_up import drawn_seven

WARM_UP = 200  # requests until Java has compiled its hot path


def main() -> None:
    """Print p50 and p99 in milliseconds."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.latency", description=(__doc__ or "").split("\n")[0]
    )
    server = os.environ.get("TORCHSERVE_INFERENCE_URL", "http://127.0.0.1:8080")
    parser.add_argument("--url", default=f"{server}/predictions/{os.environ.get('MODEL') or 'digits'}")
    parser.add_argument("--requests", type=int, default=1000)
    given = parser.parse_args()
    try:
        times_ms = measure(given.url, given.requests)
    except requests.RequestException as error:
        sys.exit(
            f"bench.latency: {given.url} does not answer ({type(error).__name__}): start it with `make run`"
        )
    percentiles = statistics.quantiles(times_ms, n=100)
    print(
        f"one prediction at rest: p50 {percentiles[49]:.1f} ms, p99 {percentiles[98]:.1f} ms "
        f"({len(times_ms)} requests)"
    )


def measure(url: str, count: int) -> list[float]:
    """Give the milliseconds of each request, after the warm-up.

    Raises:
        requests.RequestException: the server is not there or answers with an error.
    """
    picture, times_ms = drawn_seven(), []
    with requests.Session() as session:
        for index in range(WARM_UP + count):
            started = time.perf_counter()
            session.post(url, data=picture, timeout=10).raise_for_status()
            if index >= WARM_UP:
                times_ms.append(1000 * (time.perf_counter() - started))
    return times_ms


if __name__ == "__main__":
    main()
