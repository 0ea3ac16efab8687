"""Keys of programs on other hosts: who needs one, and how often it may be used."""

import errno
import hashlib
from pathlib import Path

import pytest

from guard import keys as keys_module
from guard.answers import Reason, Refusal
from guard.keys import Keys
from guard.rules import Inference
from tests.guard.played import get, guarded, refusal

NAMES = {"phone": (b"secret", 2.0), "slow": (b"other", 0.5)}


class Clock:
    """Time as a test wants it."""

    now = 100.0

    def monotonic(self) -> float:
        """Return it, in place of the module `time`."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keys_module, "time", clock)
    return clock


def write(path: Path, *names: str) -> None:
    lines = [(hashlib.sha256(NAMES[name][0]).hexdigest(), NAMES[name][1], name) for name in names]
    path.write_text("".join(f"{hashed} {rate:g} {name}\n" for hashed, rate, name in lines))


def status(keys: Keys, **headers: bytes) -> int:
    try:
        keys.check({name.replace("_", "-").encode(): value for name, value in headers.items()})
    except Refusal as refusal:
        return int(refusal.status)
    return 200


def test_a_key_is_a_bearer_token_or_a_header_of_its_own(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "keys", "phone")
    keys = Keys(tmp_path / "keys")
    assert status(keys, authorization=b"Bearer secret") == 200
    assert status(keys, x_api_key=b"secret") == 200
    clock.now += 10
    for headers in (
        {},
        {"authorization": b"Bearer wrong"},
        {"authorization": b"Basic secret"},
        {"authorization": b"Bearer "},
        {"x_api_key": b""},
        {"x_api_key": hashlib.sha256(b"secret").hexdigest().encode()},
    ):
        assert status(keys, **headers) == 401


def test_each_key_has_a_rate_of_its_own(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "keys", "phone", "slow")
    keys = Keys(tmp_path / "keys")

    def asked(key: bytes, times: int) -> list[int]:
        return [status(keys, x_api_key=key) for _ in range(times)]

    assert asked(b"secret", 3) == [200, 200, 429]
    assert asked(b"other", 2) == [200, 429]
    clock.now += 0.5
    assert asked(b"secret", 2) == [200, 429]
    assert asked(b"other", 1) == [429]
    clock.now += 3600  # it does not add up for ever
    assert asked(b"secret", 3) == [200, 200, 429]


def test_who_asks_too_often_is_told_when_the_next_request_is_due(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "keys", "slow")
    keys = Keys(tmp_path / "keys")

    def wait_s() -> int:
        with pytest.raises(Refusal) as refused:
            keys.check({b"x-api-key": b"other"})
        assert f"Retry-After: {refused.value.retry_after_s}\r\n".encode() in refused.value.response()
        return refused.value.retry_after_s

    assert status(keys, x_api_key=b"other") == 200
    assert wait_s() == 2
    clock.now += 1.5
    assert wait_s() == 1
    clock.now += 1
    assert status(keys, x_api_key=b"other") == 200


def test_issued_and_revoked_keys_count_within_a_second(tmp_path: Path, clock: Clock) -> None:
    keys = Keys(tmp_path / "keys")
    assert status(keys, x_api_key=b"secret") == 401  # no file yet
    write(tmp_path / "keys", "phone")
    clock.now += 1
    assert status(keys, x_api_key=b"secret") == 200
    write(tmp_path / "keys", "slow")
    clock.now += 1
    assert status(keys, x_api_key=b"secret") == 401
    (tmp_path / "keys").unlink()
    clock.now += 1
    assert status(keys, x_api_key=b"other") == 401


def test_empty_lines_and_remarks_say_nothing_and_names_may_have_spaces(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "keys", "phone", "slow")
    text = (tmp_path / "keys").read_text().replace("phone", "my phone").replace("\n", "\n\n  # a remark\n")
    (tmp_path / "keys").write_text(f"# keys\r\n \n{text}")
    keys = Keys(tmp_path / "keys")
    assert (status(keys, x_api_key=b"secret"), status(keys, x_api_key=b"other")) == (200, 200)


HASH = "0" * 64


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (None, "not a regular file"),
        (b"nonsense", "line 3 is not"),
        (HASH.encode(), "line 3 is not"),
        (f"{HASH} 1".encode(), "line 3 is not"),
        (f"{HASH[2:]} 1 phone".encode(), "line 3 is not"),
        (f"{HASH} 0 phone".encode(), "line 3 is not"),
        (f"{HASH} nan phone".encode(), "line 3 is not"),
        (f"{HASH} 1e999 phone".encode(), "line 3 is not"),
        (f"{HASH} -1 phone".encode(), "line 3 is not"),
        (f"{HASH} 1 \xff".encode("latin-1"), "not UTF-8"),
    ],
)
def test_no_key_of_a_file_that_cannot_be_read_counts(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, lines: bytes | None, words: str
) -> None:
    """Whoever revoked one of them would never know that it goes on to count."""
    file = tmp_path / "keys"
    write(file, "phone", "slow")
    keys = Keys(file)
    assert status(keys, x_api_key=b"secret") == 200
    readable = file.read_bytes()
    if lines is None:
        file.unlink()
        file.mkdir()  # as Docker does for a mount of what is not there
    else:
        file.write_bytes(readable + lines + b"\n")
    for _ in range(3):
        clock.now += 1
        with pytest.raises(Refusal) as refused:
            keys.check({b"x-api-key": b"secret"})
        assert refused.value.reason is Reason.NO_KEYS
        assert status(keys) == 401
    assert len(caplog.messages) == 1
    assert f"{file} can be read: " in caplog.messages[0]
    assert words in caplog.messages[0]
    if lines is None:
        file.rmdir()
    file.write_bytes(readable)
    clock.now += 1
    assert status(keys, x_api_key=b"secret") == 200
    assert caplog.messages[1:] == [f"the trouble with {file} is over"]


def test_what_may_not_be_read_counts_for_nothing(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `sudo make key`, where the guard is another user's; root itself may read all."""
    write(tmp_path / "keys", "phone")

    def forbidden(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(keys_module, "open_regular", forbidden)
    assert status(Keys(tmp_path / "keys"), x_api_key=b"secret") == 503
    assert caplog.messages == [f"no key counts until {tmp_path / 'keys'} can be read: Permission denied"]


def test_every_request_is_answered_while_the_keys_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    outside = b"X-Forwarded-For: 192.168.1.7"
    with guarded(Inference(Keys(tmp_path / "keys"), is_behind_proxy=True)) as guard:
        for _ in range(2):
            assert refusal(guard.ask(get(b"/a", outside, b"X-Api-Key: secret"))) == (503, "KeysUnreadable")
        assert refusal(guard.ask(get(b"/a", outside))) == (401, "KeyMissing")
        assert guard.ask(get(b"/a")).endswith(b"/a")
        assert guard.ask(get(b"/ping", outside)).endswith(b"/ping")


@pytest.mark.parametrize(
    ("peer", "headers", "is_behind_proxy", "needs"),
    [
        ("127.0.0.1", {}, False, False),
        ("127.8.8.8", {}, False, False),
        ("::1", {}, False, False),
        ("::ffff:127.0.0.1", {}, False, False),
        ("192.168.1.7", {}, False, True),
        ("fe80::1%eth0", {}, False, True),
        ("127.0.0.1", {b"x-forwarded-for": b"127.0.0.1"}, False, False),
        ("172.18.0.4", {}, True, False),
        ("172.18.0.4", {b"x-forwarded-for": b"192.168.1.7"}, True, True),
    ],
)
def test_who_is_on_another_host_needs_one(
    tmp_path: Path, peer: str, headers: dict[bytes, bytes], is_behind_proxy: bool, needs: bool
) -> None:
    rules = Inference(Keys(tmp_path / "keys"), is_behind_proxy)
    rules.check(b"/ping", headers, peer)
    rules.check(b"/ping", {**headers, b"content-length": b"0"}, peer)
    for body in (
        {b"content-length": b"16777216"},
        {b"content-length": b"10"},
        {b"transfer-encoding": b"chunked"},
    ):
        if needs:
            with pytest.raises(Refusal, match="need a key"):
                rules.check(b"/ping", {**headers, **body}, peer)
    Inference(None).check(b"/predictions/digits", headers, peer)
    if needs:
        with pytest.raises(Refusal, match="need a key"):
            rules.check(b"/predictions/digits", headers, peer)
    else:
        rules.check(b"/predictions/digits", headers, peer)
