"""Files that somebody else may read while they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield the path of a draft, which takes the place of `path` when the block ends without an error.

    Who reads `path` finds what was there before or all of the new. The folder is made where it is absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.unfinished")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
