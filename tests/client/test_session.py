import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from client.session import ask_authorized, local_session
from system.ports import free_ports


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch):
    proxy, server = free_ports(2)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
    with local_session() as session, pytest.raises(requests.ConnectionError) as caught:
        session.get(f"http://127.0.0.1:{server}/")
    assert str(server) in str(caught.value)
    assert str(proxy) not in str(caught.value)


@pytest.mark.parametrize("renewed", [True, False])
def test_a_token_made_after_it_was_read_is_sent_and_a_wrong_one_is_denied_once(
    tmp_path: Path, renewed: bool
) -> None:
    """A TorchServe that starts writes its token at the very moment at which its ports open."""
    token, asked = tmp_path / "token", []

    class Starting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            if renewed:
                token.write_text("Authorization: Bearer new\n")
            self.send_response(200 if asked[-1] == "Bearer new" else 401)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Starting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with local_session() as session:
            answer = ask_authorized(session, token, "GET", f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
    assert (answer.status_code, asked) == ((200, [None, "Bearer new"]) if renewed else (401, [None]))
