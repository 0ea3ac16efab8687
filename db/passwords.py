"""Passwords: what is kept of one, and whether another is the same."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

# NIST SP 800-63B asks for 8, and for more where nothing else is asked for; here guessing is slow, too.
# Longer ones than MOST only cost time.
LEAST, MOST = 12, 200

# Argon2id with RFC 9106's parameters for little memory (64 MiB, 3 passes), the library's own defaults.
_HASHER = PasswordHasher()
# Of a password that nobody knows: with it an unknown name takes as long as a known one.
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hashed(password: str) -> str:
    """Return what may be kept of a password.

    Raises:
        ValueError: It is too short or too long.
    """
    if not LEAST <= len(password) <= MOST:
        raise ValueError(f"the password has {len(password)} characters, expected {LEAST} to {MOST}")
    return _HASHER.hash(_normal(password))


def is_right(kept: str, password: str) -> bool:
    """Return whether `password` is what `kept` was made of; takes tens of milliseconds in any case."""
    try:
        return _HASHER.verify(kept, _normal(password[: MOST + 1]))
    except (VerifyMismatchError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """Return the same characters for the same letters, whatever the keyboard made of them (RFC 8265, 4)."""
    return unicodedata.normalize("NFC", password)
