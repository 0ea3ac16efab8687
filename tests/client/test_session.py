import pytest
import requests

from client.session import local_session
from system.ports import free_ports


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch):
    proxy, server = free_ports(2)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
    with local_session() as session, pytest.raises(requests.ConnectionError) as caught:
        session.get(f"http://127.0.0.1:{server}/")
    assert str(server) in str(caught.value)
    assert str(proxy) not in str(caught.value)
