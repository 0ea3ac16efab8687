"""The proxy between a test and two small servers that keep what they were asked."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.proxy import Proxy, running_proxy
from tests.deploy.upstream import Upstream, running_upstream


@dataclass(frozen=True)
class Stand:
    """A running proxy and what stands behind it."""

    proxy: Proxy
    torchserve: Upstream
    page: Upstream


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """A proxy without TLS, the page at the root of the host."""
    with (
        running_upstream() as torchserve,
        running_upstream() as page,
        running_proxy(torchserve.target, page.target) as proxy,
    ):
        yield Stand(proxy, torchserve, page)
