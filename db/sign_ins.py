"""Who is signed in: random tokens in browsers, their hashes here, until they expire or are ended."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Row, delete, func, insert, select, text, update

from db.engine import UsesEngine, transaction
from db.schema import sign_ins, users
from db.user_rows import User

TOKEN_BYTES = 32
# Unused for so long a sign-in ends, and in any case after so long. All times are PostgreSQL's own.
UNUSED_DAYS, AT_MOST_DAYS = 7, 30
# It is renewed when it was last renewed so long ago, and not at each request.
RENEW_AFTER_HOURS = 1

_renewed = func.least(
    func.now() + text(f"interval '{UNUSED_DAYS} days'"),
    sign_ins.c.created_at + text(f"interval '{AT_MOST_DAYS} days'"),
)
_is_valid = sign_ins.c.expires_at > func.now()


@dataclass(frozen=True)
class SignedIn:
    """Whose token it is, and for how many seconds yet."""

    user: User
    left_s: float


class SignIns(UsesEngine):
    """The sign-ins in PostgreSQL; may be used by many threads. All methods raise DatabaseUnavailable."""

    def begin(self, user: User, kept: str) -> bytes | None:
        """Return a new token of the user's, and remove everybody's expired ones.

        Args:
            user: who has said the right password.
            kept: what was kept of it. Where that has changed meanwhile, or the user is gone, there is none:
                a new password ends the sign-ins that it finds, and must miss none that has just begun.
        """
        token = secrets.token_bytes(TOKEN_BYTES)
        ends = func.now() + text(f"interval '{UNUSED_DAYS} days'")
        with transaction(self._engine) as connection:
            connection.execute(delete(sign_ins).where(~_is_valid))
            is_theirs = (users.c.id == user.id) & (users.c.password_hash == kept)
            if connection.scalar(select(users.c.id).where(is_theirs).with_for_update(read=True)) is None:
                return None
            connection.execute(
                insert(sign_ins).values(token_hash=hash_of(token), user_id=user.id, expires_at=ends)
            )
        return token

    def find(self, token_hash: bytes) -> SignedIn | None:
        """Return whose token has this hash, None where it is nobody's or has expired; renew it where due."""
        is_due = _renewed - sign_ins.c.expires_at > text(f"interval '{RENEW_AFTER_HOURS} hours'")
        query = (
            select(
                users.c.id,
                users.c.name,
                users.c.role,
                func.extract("epoch", sign_ins.c.expires_at - func.now()).label("left_s"),
                is_due.label("is_due"),
            )
            .join(users, users.c.id == sign_ins.c.user_id)
            .where(sign_ins.c.token_hash == token_hash, _is_valid)
        )
        with transaction(self._engine) as connection:
            row: Row | None = connection.execute(query).one_or_none()
            if row is not None and row.is_due:
                mine = sign_ins.c.token_hash == token_hash
                connection.execute(update(sign_ins).where(mine).values(expires_at=_renewed))
        return None if row is None else SignedIn(User(row.id, row.name, row.role), float(row.left_s))

    def living(self, token_hashes: Collection[bytes]) -> set[bytes]:
        """Return those of these hashes whose tokens are somebody's and have not expired."""
        query = select(sign_ins.c.token_hash).where(sign_ins.c.token_hash.in_(token_hashes), _is_valid)
        with transaction(self._engine) as connection:
            return {bytes(token_hash) for token_hash in connection.scalars(query)}

    def end(self, token_hash: bytes) -> None:
        """Make the token that has this hash worthless."""
        with transaction(self._engine) as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.token_hash == token_hash))


def hash_of(token: bytes) -> bytes:
    """Return what is kept of a token: it is random, so that a fast hash does."""
    return hashlib.sha256(token).digest()
