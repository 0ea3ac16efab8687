"""The page's users in PostgreSQL: their names, their roles, and what is kept of their passwords."""

from dataclasses import dataclass

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from db.engine import UsesEngine, transaction
from db.schema import ROLES, sign_ins, users

_USER = (users.c.id, users.c.name, users.c.role)


@dataclass(frozen=True)
class User:
    """Somebody who may sign in.

    Attributes:
        id: Never another's, also not after the user was deleted.
        name: As `db.schema.USER_NAME` says.
        role: "visitor", who draws and corrects, or "operator", who may also have models loaded.
    """

    id: int
    name: str
    role: str


class Users(UsesEngine):
    """The users in PostgreSQL; may be used by many threads. All methods raise DatabaseUnavailable."""

    def all(self) -> list[User]:
        """Return all users by name."""
        with transaction(self._engine) as connection:
            return [User(*row) for row in connection.execute(select(*_USER).order_by(users.c.name))]

    def is_empty(self) -> bool:
        """Return whether there is nobody who could sign in."""
        with transaction(self._engine) as connection:
            return not connection.scalar(select(exists(select(users.c.id))))

    def find(self, name: str) -> tuple[User, str] | None:
        """Return the user of this name and what is kept of the password, None where there is none."""
        with transaction(self._engine) as connection:
            query = select(*_USER, users.c.password_hash).where(users.c.name == name)
            row = connection.execute(query).one_or_none()
        return None if row is None else (User(*row[:3]), row.password_hash)

    def put(self, name: str, password_hash: str, role: str | None = None) -> User:
        """Add a user, a visitor unless told otherwise, or change one; all sign-ins of before end."""
        given = {"password_hash": password_hash, **({"role": role} if role else {})}
        add = insert(users).values({"name": name, "role": ROLES[0], **given})
        put = add.on_conflict_do_update(constraint="users_name_key", set_=given).returning(*_USER)
        with transaction(self._engine) as connection:
            user = User(*connection.execute(put).one())
            connection.execute(delete(sign_ins).where(sign_ins.c.user_id == user.id))
            return user

    def put_role(self, name: str, role: str) -> User | None:
        """Give the user of this name another role; return None where there is none."""
        query = update(users).where(users.c.name == name).values(role=role).returning(*_USER)
        with transaction(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else User(*row)

    def delete(self, name: str) -> bool:
        """Delete the user of this name and end all sign-ins; return whether there was one."""
        with transaction(self._engine) as connection:
            return connection.execute(delete(users).where(users.c.name == name)).rowcount == 1
