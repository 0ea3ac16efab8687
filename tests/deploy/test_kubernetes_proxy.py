"""The proxy's pod, as kustomize builds it: bodies that wait do not end it."""

import pytest

from tests.deploy.manifests import OVERLAYS, main, pods


@pytest.mark.parametrize("name", OVERLAYS)
def test_bodies_fill_what_the_proxy_has_for_them_and_no_more(name: str) -> None:
    (tmp,) = [one for one in pods(name)["proxy"]["spec"]["volumes"] if one["name"] == "tmp"]
    # The kubelet evicts a pod with a folder on the machine's disk that holds more than its limit.
    assert tmp["emptyDir"] == {"medium": "Memory", "sizeLimit": "256Mi"}
    assert main(name, "proxy")["resources"]["limits"]["memory"] == "512Mi"
