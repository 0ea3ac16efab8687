"""One deployed platform for all tests that need one: by SSH to an empty host, as a stranger deploys it."""

import os
from collections.abc import Iterator

import pytest

from system.files import PROJECT
from tests.deploy.host import Host, prepared, why_not


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on which what is committed was deployed; without an engine tests skip, or fail if it is due."""
    reason = why_not()
    if reason and os.environ.get("NEEDS_ENGINE"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with prepared(tmp_path_factory.mktemp("host")) as host:
        done = host.deploy(PROJECT)
        assert done.returncode == 0, done.stdout[-4000:]
        yield host
