"""How constraints are named, and one that many columns share."""

from sqlalchemy import CheckConstraint, MetaData

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(constraint_name)s_key",
    }
)


def text_length(column: str, longest: int) -> CheckConstraint:
    """Return the constraint that `column` holds 1 to `longest` characters and not only spaces.

    The upper limit also keeps an indexed value below the 2,704 bytes that a B-tree entry may have.
    """
    return CheckConstraint(
        f"btrim({column}) <> '' AND char_length({column}) <= {longest}", name=f"{column}_length"
    )
