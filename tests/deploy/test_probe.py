"""The probe of Prometheus gets the page as a visitor does: it asks as every page is asked."""

from urllib.parse import urlsplit

import pytest

from system.ports import foreign_host
from tests.deploy.rules_on_disk import PROMETHEUS, read_yaml

HEADERS = read_yaml(PROMETHEUS / "blackbox.yml")["modules"]["page"]["http"].get("headers", {})
(TARGETS,) = (
    [url for found in job["static_configs"] for url in found["targets"]]
    for job in read_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    if job["job_name"] == "probe"
)


@pytest.mark.parametrize("target", TARGETS)
def test_the_host_that_it_asks_as_is_foreign_to_no_page(target: str) -> None:
    asked_as = HEADERS.get("Host", urlsplit(target).netloc)
    assert foreign_host(asked_as, names=frozenset()) is None
