"""Users, their passwords and their sign-ins, in the real PostgreSQL."""

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db import passwords
from db.errors import DatabaseUnavailable
from db.passwords import NOBODYS
from db.schema import users
from db.sign_ins import SignIns, hash_of
from db.user_rows import User, Users

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"


@pytest.fixture
def user(engine: Engine) -> User:
    """A visitor of a name that no other test has."""
    return Users(engine).put(f"u{uuid.uuid4().hex}", NOBODYS)


@pytest.fixture
def sign_ins(engine: Engine) -> SignIns:
    return SignIns(engine)


def test_a_password_is_right_only_as_it_was_typed_whatever_the_keyboard() -> None:
    kept = passwords.hashed("a pässword of mine")
    assert passwords.is_right(kept, "a pa\u0308ssword of mine")
    for wrong in ("", "a pässword of min", "A pässword of mine", "x" * 1_000_000):
        assert not passwords.is_right(kept, wrong)
    assert kept != passwords.hashed("a pässword of mine")


@pytest.mark.parametrize("password", ["", "x" * (passwords.LEAST - 1), "x" * (passwords.MOST + 1)])
def test_a_password_that_is_too_short_or_too_long_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(ValueError, match=f"has {len(password)} characters, expected 12 to 200"):
        passwords.hashed(password)


def test_an_unknown_name_costs_as_much_as_a_known_one() -> None:
    # The same algorithm, memory, passes and lanes.
    assert not PasswordHasher().check_needs_rehash(NOBODYS)
    assert not passwords.is_right(NOBODYS, PASSWORD)


def test_a_user_is_added_changed_and_found(engine: Engine, user: User) -> None:
    known = Users(engine)
    assert user.role == "visitor"
    assert known.find(user.name) == (user, NOBODYS)
    assert known.find("nobody-here") is None
    assert known.put_role(user.name, "operator") == User(user.id, user.name, "operator")
    assert known.put_role("nobody-here", "operator") is None
    # A new password keeps the role.
    assert known.put(user.name, "other") == User(user.id, user.name, "operator")
    assert known.put(user.name, "other", "visitor") == user
    assert user in known.all()
    assert not known.is_empty()


@pytest.mark.parametrize("name", ["", "Ada", "-ada", "ada\n", "a b", "x" * 65, "ada';--"])
def test_the_database_refuses_a_name_that_is_none(engine: Engine, name: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="users_name_form_check"):
        Users(engine).put(name, NOBODYS)


def test_the_database_refuses_a_role_that_is_none(engine: Engine, user: User) -> None:
    with pytest.raises(IntegrityError, match="users_role_known_check"), engine.begin() as connection:
        connection.execute(users.update().where(users.c.id == user.id).values(role="root"))


def test_the_database_keeps_no_token_that_could_be_used(
    engine: Engine, user: User, sign_ins: SignIns
) -> None:
    token = sign_ins.begin(user, NOBODYS)
    assert len(token) == 32
    with engine.connect() as connection:
        query = text("SELECT token_hash FROM sign_ins WHERE user_id = :id")
        (kept,) = connection.execute(query, {"id": user.id}).scalars()
    assert bytes(kept) == hashlib.sha256(token).digest() == hash_of(token)
    assert sign_ins.find(bytes(kept)).user == user
    assert sign_ins.find(hash_of(bytes(kept))) is None
    assert sign_ins.find(token) is None


def age(engine: Engine, user: User, **columns: str) -> None:
    """Set times of the user's sign-ins, as intervals from now."""
    with engine.begin() as connection:
        for column, interval in columns.items():
            change = f"UPDATE sign_ins SET {column} = now() + :interval WHERE user_id = :id"
            connection.execute(text(change), {"interval": interval, "id": user.id})


def test_a_sign_in_ends_unused_after_seven_days_and_is_renewed_by_use(
    engine: Engine, user: User, sign_ins: SignIns
) -> None:
    token_hash = hash_of(sign_ins.begin(user, NOBODYS))
    week = 7 * 24 * 3600
    assert week - 60 < sign_ins.find(token_hash).left_s <= week
    age(engine, user, expires_at="5 minutes")
    assert sign_ins.find(token_hash).left_s <= 300
    assert sign_ins.find(token_hash).left_s > week - 60
    age(engine, user, expires_at="-1 second")
    assert sign_ins.find(token_hash) is None


def test_a_sign_in_ends_after_thirty_days_however_it_is_used(
    engine: Engine, user: User, sign_ins: SignIns
) -> None:
    token_hash = hash_of(sign_ins.begin(user, NOBODYS))
    age(engine, user, created_at="-29 days -23 hours", expires_at="30 minutes")
    for _ in range(2):
        assert sign_ins.find(token_hash).left_s < 3601


def test_signing_in_removes_what_has_expired(engine: Engine, user: User, sign_ins: SignIns) -> None:
    sign_ins.begin(user, NOBODYS)
    age(engine, user, expires_at="-1 second")
    sign_ins.begin(user, NOBODYS)
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM sign_ins WHERE user_id = :id")
        assert connection.scalar(query, {"id": user.id}) == 1


def test_signing_out_a_new_password_and_deletion_end_sign_ins(
    engine: Engine, user: User, sign_ins: SignIns
) -> None:
    tokens = [hash_of(sign_ins.begin(user, NOBODYS)) for _ in range(2)]
    sign_ins.end(tokens[0])
    assert [sign_ins.find(token) is None for token in tokens] == [True, False]
    Users(engine).put(user.name, "other")
    assert sign_ins.find(tokens[1]) is None
    last = hash_of(sign_ins.begin(user, "other"))
    assert Users(engine).delete(user.name)
    assert sign_ins.find(last) is None
    assert not Users(engine).delete(user.name)


def test_a_new_password_ends_the_sign_in_that_the_old_one_is_just_beginning(
    engine: Engine, user: User, sign_ins: SignIns
) -> None:
    # Its check takes tens of milliseconds, which a new password does not wait for.
    with ThreadPoolExecutor() as threads, engine.begin() as connection:
        connection.execute(users.update().where(users.c.id == user.id).values(password_hash="other"))
        begun = threads.submit(sign_ins.begin, user, NOBODYS)
        with suppress(TimeoutError):
            begun.result(0.5)
        connection.commit()
        assert begun.result(30) is None
    assert sign_ins.begin(user, NOBODYS) is None
    Users(engine).delete(user.name)
    assert sign_ins.begin(user, "other") is None


def test_who_gets_the_name_of_somebody_deleted_is_another(engine: Engine, user: User) -> None:
    Users(engine).delete(user.name)
    assert Users(engine).put(user.name, NOBODYS).id != user.id
