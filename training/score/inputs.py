"""INPUT, a folder, tar files, Parquet files or a CSV file of paths or addresses -> items, in order."""

import csv
import lzma
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

# What people call pictures, whether the handler reads it or not: it says why it does not. A name without an
# ending may be a picture's.
PICTURES = {
    ".", ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".dib", ".tif",
    ".tiff", ".pnm", ".pbm", ".pgm", ".ppm", ".pfm", ".heic", ".heif", ".ico", ".jp2", ".jxl", ".psd", ".svg",
}  # fmt: skip
TARS, PACKED_TARS = (".tar",), (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
PARQUET, CSV = ".parquet", ".csv"
# Of a Parquet or CSV file, where nobody names it, the first of these columns that is there.
COLUMNS = ("image", "picture", "bytes", "path", "file", "url")
WHOLE, UNKNOWN = -1, -1
TAR_MARK = slice(257, 262)  # where a tar's member says "ustar"
# Hugging Face's datasets keep a picture as a struct with its bytes.
BYTES = "bytes"
# A CSV file may have more columns than that of the pictures, such as with a picture's bytes in base64; Python
# takes 131,072 characters. A limit there has to be, or a quote that is not closed takes all memory.
MOST_CHARACTERS = 32 * 1024**2
# How links in tars are counted, whose bytes are with another name; and those to folders, which may lead in a
# circle.
LINKS, TO_FOLDERS = "links in tar files", "links to folders"


@dataclass(frozen=True, slots=True)
class Item:
    """One picture.

    Attributes:
        name: what it is called in the answers.
        file: the file that it is in, relative to where the inputs lie; or its address on the web.
        offset: where in that file: the first byte in a tar, the row in a Parquet file; WHOLE for a file of
            its own.
        size: its bytes in a tar; else UNKNOWN.
    """

    name: str
    file: str
    offset: int = WHOLE
    size: int = UNKNOWN


@dataclass
class Inputs:
    """What is found below INPUT.

    Args:
        given: INPUT: a folder or a file.
        column: of Parquet and CSV files, the one that has the pictures; None: the first of COLUMNS.

    Attributes:
        root: the folder that `Item.file` is relative to.
        containers: files with pictures in them that were passed, with size and time of change.
        left_out: how many other files there were, by ending, and how many LINKS and TO_FOLDERS.
    """

    given: Path
    column: str | None = None
    containers: dict[str, tuple[int, int]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def root(self) -> Path:
        """Return the folder that names are relative to."""
        return self.given if self.given.is_dir() else self.given.parent

    def groups(self) -> Iterator[list[Item]]:
        """Yield items in order; those of one list can only be read one after the other.

        Raises:
            ValueError: a file is none of what is read, or broken.
            OSError: a folder or file cannot be read.
        """
        if self.given.is_dir():
            yield from self._in_folder(self.given)
        elif self.given.name.lower().endswith(CSV):
            self._passed(self.given)
            yield from self._in_csv()
        elif self.given.exists():
            if not _is_container(self.given):
                endings = ", ".join((*TARS, *PACKED_TARS, PARQUET, CSV))
                raise ValueError(f"{self.given} is not a folder, and does not end in any of {endings}")
            yield from self._in_container(self.given)
        else:
            raise FileNotFoundError(
                f"there is no {self.given}: INPUT is a folder, or a tar, Parquet or CSV file"
            )

    def _in_folder(self, folder: Path) -> Iterator[list[Item]]:
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_dir():
                if path.is_symlink():
                    self.left_out[TO_FOLDERS] += 1
                else:
                    yield from self._in_folder(path)
            elif _is_container(path):
                yield from self._in_container(path)
            elif self._is_picture(path.name):
                name = path.relative_to(self.root).as_posix()
                yield [Item(name, name)]

    def _in_container(self, path: Path) -> Iterator[list[Item]]:
        self._passed(path)
        if path.name.lower().endswith(PARQUET):
            return self._in_parquet(path)
        return self._in_tar(path)

    def _in_tar(self, path: Path) -> Iterator[list[Item]]:
        name = path.relative_to(self.root).as_posix()
        is_packed = path.name.lower().endswith(PACKED_TARS)
        together: list[Item] = []
        try:
            # Read once through: of a plain one, only the members' heads.
            with tarfile.open(path, "r:*" if is_packed else "r:", tarinfo=_Head) as tar:
                for member in tar:
                    tar.members = []  # type: ignore[attr-defined]  # it would keep every one that it has seen
                    if member.islnk() or member.issym():
                        self.left_out[LINKS] += self._is_picture(member.name)
                    if not member.isreg() or not self._is_picture(member.name):
                        continue
                    item = Item(f"{name}/{member.name}", name, member.offset_data, member.size)
                    if is_packed:
                        together.append(item)
                    else:
                        yield [item]
                _require_nothing_behind(tar)
        except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            words = " ".join(str(error).split())  # of a packed one there is a line for each way to unpack it
            raise ValueError(f"{path} cannot be read as a tar file ({words})") from error
        if together:
            yield together

    def _in_parquet(self, path: Path) -> Iterator[list[Item]]:
        name = path.relative_to(self.root).as_posix()
        try:
            with pq.ParquetFile(path) as file:
                self._column(path, file.schema_arrow.names)
                counts = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
        except (pa.ArrowInvalid, OSError) as error:
            raise ValueError(f"{path} cannot be read as a Parquet file ({error})") from error
        first = 0
        for count in counts:
            yield [Item(f"{name}#{row}", name, row) for row in range(first, first + count)]
            first += count

    def _in_csv(self) -> Iterator[list[Item]]:
        csv.field_size_limit(MOST_CHARACTERS)
        read = 0
        with self.given.open(encoding="utf-8-sig", newline="") as file:
            # Else a quote that is not closed takes the rows after it for its own.
            rows = csv.DictReader(file, strict=True)
            try:
                column = self._column(self.given, list(rows.fieldnames or []))
                for row in rows:
                    read = rows.line_num
                    text = (row[column] or "").strip()
                    yield [Item(text, text)]
            except (csv.Error, UnicodeDecodeError) as error:
                where = f"after line {read:,}: " if read else ""
                raise ValueError(f"{self.given} cannot be read as a CSV file ({where}{error})") from error

    def _column(self, path: Path, columns: list[str]) -> str:
        """Return the column that has the pictures."""
        found = column_of(columns, self.column)
        if found is None:
            raise ValueError(
                f"{path} has no column {self.column or ', '.join(COLUMNS)} (it has {', '.join(columns)}): "
                "use --column to name the one with the pictures"
            )
        return found

    def _is_picture(self, name: str) -> bool:
        ending = "." + Path(name).suffix.lower().removeprefix(".")
        if Path(name).name.startswith("."):
            return False
        if ending not in PICTURES:
            self.left_out[ending] += 1
        return ending in PICTURES

    def _passed(self, path: Path) -> None:
        self.containers[path.relative_to(self.root).as_posix()] = state(path)


class _Head(tarfile.TarInfo):
    """A member's head; where there is neither that nor the archive's end, tarfile would see the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the head.

        Raises:
            tarfile.HeaderError: it is the archive's end.
            tarfile.ReadError: it is damaged, or cut off.
        """
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if bytes(buf) == bytes(tarfile.BLOCKSIZE):
                raise
            raise tarfile.ReadError(
                f"{error}, expected a member or the end: it is truncated or damaged"
            ) from error


def _require_nothing_behind(tar: tarfile.TarFile) -> None:
    # As where two were joined with `cat`: tarfile stops at the end of the first. All else is padding.
    assert tar.fileobj is not None
    block = bytes(tarfile.BLOCKSIZE)
    while block == bytes(tarfile.BLOCKSIZE):
        block = tar.fileobj.read(tarfile.BLOCKSIZE)
    if block[TAR_MARK] == b"ustar":
        raise tarfile.ReadError("another archive begins after its end: merge them, or unpack it")


def in_words(left_out: Mapping[str, int]) -> str:
    """Return what was left out as people read it."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(left_out.items()))


def column_of(columns: list[str], wanted: str | None) -> str | None:
    """Return which of a file's columns has the pictures; None where none does."""
    return next((name for name in ((wanted,) if wanted else COLUMNS) if name in columns), None)


def state(path: Path) -> tuple[int, int]:
    """Return a file's size and time of change, by which it is told whether it is still the same."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _is_container(path: Path) -> bool:
    return path.name.lower().endswith((*TARS, *PACKED_TARS, PARQUET))
