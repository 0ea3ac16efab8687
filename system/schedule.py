"""Do something again and again: on schedule, and sooner after a failure."""

import time
from collections.abc import Callable
from typing import NoReturn

from prometheus_client import CollectorRegistry, start_http_server

FIRST_RETRY_S = 60.0
LAST_RETRY_S = 3600.0
# Short, since clocks are set, and the same is also done by hand.
LOOK_AGAIN_S = 60.0


def repeat(until_due: Callable[[], float], do: Callable[[float], bool], every_s: float) -> NoReturn:
    """Do it whenever it is due.

    A failure is tried again after a minute, then two, four, ... at most an hour or the period.

    Args:
        until_due: Returns in how many seconds it is due; 0 or less where it is.
        do: Does it once, and returns whether it is done; told in how many seconds it is tried again if not.
        every_s: The period.
    """
    retry_s = FIRST_RETRY_S
    while True:
        wait_s = until_due()
        if wait_s > 0:
            time.sleep(min(wait_s, LOOK_AGAIN_S))
        elif do(retry_s):
            retry_s = FIRST_RETRY_S
        else:
            time.sleep(retry_s)
            retry_s = min(2 * retry_s, LAST_RETRY_S, max(every_s, FIRST_RETRY_S))


def serve_metrics(registry: CollectorRegistry, host: str, port: int, port_variable: str) -> None:
    """Serve metrics from a thread for as long as this process lives.

    Raises:
        ValueError: The address cannot be used; the text says which variables to set.
    """
    try:
        start_http_server(port, host, registry=registry)
    except OSError as error:
        raise ValueError(
            f"the metrics cannot be served at {host}:{port} ({error.strerror}): "
            f"set METRICS_HOST and {port_variable}"
        ) from error
