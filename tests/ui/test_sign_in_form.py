"""The form to sign in with: where it is, what it says, how often one may try, and what is no form."""

import re
from collections import Counter

import pytest

from db import passwords
from tests.ui.signing_in import PASSWORD, Guarded, guarded, page, sign_in
from ui.sign_in import attempts
from ui.sign_in import form as form_module
from ui.sign_in.admission import FORM

pytestmark = pytest.mark.integration
__all__ = ["page"]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong password"),
        ("nobody", PASSWORD),
        ("ada'; DROP TABLE users;--", PASSWORD),
        ("", ""),
        ("ada", ""),
        ("ada\x00", PASSWORD),
        ("ada", PASSWORD + "\x00"),
    ],
)
def test_a_wrong_name_is_told_like_a_wrong_password_and_takes_as_long(
    page: Guarded, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    checked = []
    is_right = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *said: checked.append(said) or is_right(*said))
    answer = sign_in(page.client("203.0.113.8"), name, password)
    assert answer.status_code == 401
    assert form_module.WRONG in answer.text
    assert "Set-Cookie" not in answer.headers
    assert len(checked) == 1


def test_the_form_says_what_it_is_to_screen_readers_and_password_managers(page: Guarded) -> None:
    answer = sign_in(page.client("203.0.113.9"), '"><script>alert(1)</script>', "x")
    assert "<script" not in answer.text
    assert 'autocomplete="username"' in answer.text
    assert 'autocomplete="current-password"' in answer.text
    assert re.search('<p class="words is-wrong" role="alert" id="words">[^<]+</p>', answer.text)
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "not encrypted" in answer.text
    assert "hidden" in re.search("<p class=.plain.*?>", page.client("127.0.0.1").get(FORM).text)[0]


def test_an_address_that_guesses_has_to_wait_and_others_do_not(postgres_url: str) -> None:
    with guarded(postgres_url) as page:
        page.user("guessed")
        guesser = page.client()
        for number in range(10):
            assert sign_in(guesser, f"guess{number}", "x").status_code == 401
        refused = sign_in(guesser, "guessed")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert "Try again in 1 minute." in refused.text
        assert sign_in(page.client("203.0.113.99"), "guessed").status_code == 303


def guess(page: Guarded, networks: int, each: int) -> list[int]:
    """Guess at a name from several networks, with a cookie that somebody made up; return the answers."""
    made_up = {"Cookie": f"sketchserve-known={'A' * 64}"}
    strangers = [page.client(f"198.51.{number // 250}.{number % 250}") for number in range(networks)]
    return [sign_in(one, "famous", "x", **made_up).status_code for one in strangers for _ in range(each)]


@pytest.fixture
def read_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash is made to take long: passwords are compared without one."""
    monkeypatch.setattr(passwords, "is_right", lambda kept, password: password == PASSWORD)


def test_no_three_strangers_keep_a_user_from_signing_in_elsewhere(
    postgres_url: str, read_in_no_time: None
) -> None:
    with guarded(postgres_url) as page:
        page.user("famous")
        assert guess(page, 4, 11) == [*[401] * 10, 429] * 4
        assert sign_in(page.client("192.0.2.1"), "famous").status_code == 303


def test_guessing_at_a_name_is_bounded_and_does_not_lock_its_users_browser(
    postgres_url: str, read_in_no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "OF_A_NAME", 100)
    # None comes back meanwhile.
    monkeypatch.setattr(attempts, "WITHIN_A_DAY_S", 1e8)
    monkeypatch.setattr(attempts, "WITHIN_S", 1e6)
    with guarded(postgres_url) as page:
        page.user("famous")
        signed_in = page.signed_in("famous")
        elsewhere, signed_out = page.client("192.0.2.1"), page.signed_in("famous", "192.0.2.2")
        assert signed_out.post("/sign-out").status_code == 200
        assert Counter(guess(page, 12, 10)) == {401: 100, 429: 20}
        assert sign_in(elsewhere, "famous").status_code == 429
        # Who is in stays in, and who was in before comes in again: from a network, too, that guesses.
        assert signed_in.get("/config").status_code == 200
        for _ in range(attempts.OF_A_PLACE - 1):
            assert sign_in(signed_out, "famous", "x").status_code == 401
        assert sign_in(signed_out, "famous").status_code == 303
        # A thief of that cookie has no more guesses than anybody, from wherever.
        known = {"Cookie": f"sketchserve-known={signed_out.cookies['sketchserve-known']}"}
        thieves = [page.client(f"203.0.113.{number}") for number in range(100, 130)]
        answers = [sign_in(one, "famous", "x", **known).status_code for one in thieves]
        assert answers == [401] * attempts.OF_A_PLACE + [429] * (30 - attempts.OF_A_PLACE)


def test_a_new_password_makes_every_browser_unknown(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "OF_A_NAME", 3)
    with guarded(postgres_url) as page:
        page.user("famous")
        browser = page.signed_in("famous", "192.0.2.3")
        page.user("famous")  # the same password, kept with another salt
        assert guess(page, 3, 1) == [401] * 3
        assert sign_in(browser, "famous").status_code == 429


def test_who_signs_in_rightly_is_not_counted(page: Guarded) -> None:
    for _ in range(12):
        page.signed_in("grace", "192.0.2.50")


def test_many_who_sign_in_at_once_are_told_to_come_back(
    page: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_module, "PASSWORDS_WAITING", 0)
    # Where nobody may wait, nobody is asked for a password either.
    answer = sign_in(page.client("192.0.2.51"), "ada")
    assert answer.status_code == 503
    assert form_module.BUSY in answer.text


def test_a_form_that_is_too_large_is_refused_before_it_is_read(page: Guarded) -> None:
    answer = page.client("192.0.2.60").post(FORM, content=b"x" * 5000)
    assert answer.status_code == 413
    assert "takes at most 4,096" in answer.text


@pytest.mark.parametrize("body", [b"\xff" * 100, b"name=a&" * 500, b"{}", b"name&password", b""])
def test_a_form_that_is_none_is_a_wrong_password(page: Guarded, body: bytes) -> None:
    assert page.client("192.0.2.61").post(FORM, content=body).status_code in (401, 413)


def test_below_a_path_the_form_and_the_way_to_it_are_there_too(postgres_url: str) -> None:
    with guarded(postgres_url, UI_ROOT_PATH="/sketch") as page:
        page.user("below")
        client = page.client()
        for path in ("/sketch/", "/"):  # a proxy may take the path off, or not
            assert client.get(path).headers["Location"] == "/sketch/sign-in"
        assert 'action="/sketch/sign-in"' in client.get("/sketch/sign-in").text
        assert client.get("/sketch/config").status_code == 401
        assert client.get("/sketch/sketch/config").status_code == 401
        assert sign_in(client, "below").headers["Location"] == "/sketch/"
        assert client.get("/sketch/config").status_code == 200
        assert client.post("/sketch/sign-out").status_code == 200
