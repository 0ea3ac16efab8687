"""Items -> the bytes that the handler is given, or why there are none."""

import itertools
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import anyio
import pyarrow.parquet as pq

from system.fetching.fetcher import SCHEMES, Fetcher
from system.fetching.formats import FetchError, UnreachedError
from system.files import open_regular
from training.score.inputs import BYTES, PACKED_TARS, PARQUET, WHOLE, Item, column_of
from training.score.plan import Plan

# The guard lets no larger body through to the handler.
MOST_BYTES = 16 * 1024**2
# So many are held at a time, and so many are asked of the web at a time.
AT_ONCE = 32
# What a busy host is left alone, seconds, before it is asked once more.
PAUSE_S = 2.0
ANY_PORT = range(1, 1 << 16)


@dataclass(frozen=True)
class Unreadable:
    """An input whose bytes cannot be had; the reason is for people."""

    reason: str


Payload = bytes | Unreadable


class Reader:
    """Reads a plan's items.

    Args:
        plan: says where they lie.
        any_address: addresses may be of any host and port, and not of the public internet alone.
    """

    def __init__(self, plan: Plan, any_address: bool) -> None:
        self._plan = plan
        self._any_address = any_address
        self._fetcher: Fetcher | None = None

    def read(self, items: Sequence[Item]) -> Iterator[list[tuple[Item, Payload]]]:
        """Yield items with their bytes, in order, some at a time.

        Raises:
            OtherPlanError: a file with several of them in it has changed.
            OSError: it cannot be read.
        """
        found = iter(zip(items, self._found(items), strict=True))
        while some := list(itertools.islice(found, AT_ONCE)):
            fetched = self._fetched([one for _, one in some if isinstance(one, str) and _is_address(one)])
            yield [
                (
                    item,
                    one
                    if not isinstance(one, str)
                    else fetched[one]
                    if one in fetched
                    else self._of_file(one),
                )
                for item, one in some
            ]

    def _found(self, items: Sequence[Item]) -> Iterator[Payload | str]:
        """Yield each item's bytes, or the path or address where they are."""
        for file, several in itertools.groupby(items, lambda item: (item.file, item.offset == WHOLE)):
            name, is_whole = file
            if is_whole:
                yield from (item.file for item in several)
                continue
            self._plan.require_same(name)
            if name.lower().endswith(PARQUET):
                yield from self._in_parquet(name, [item.offset for item in several])
            elif name.lower().endswith(PACKED_TARS):
                yield from self._in_packed_tar(name, list(several))
            else:
                yield from self._in_tar(name, several)

    def _in_tar(self, name: str, items: Iterator[Item]) -> Iterator[Payload]:
        with (self._plan.root / name).open("rb") as file:
            for item in items:
                file.seek(item.offset)
                yield _too_large(item.size) or file.read(item.size)

    def _in_packed_tar(self, name: str, items: list[Item]) -> Iterator[Payload]:
        wanted = {item.offset for item in items}
        with tarfile.open(self._plan.root / name, "r:*") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # as in inputs.py
                content = tar.extractfile(member) if member.offset_data in wanted and member.isreg() else None
                if content is not None:
                    yield _too_large(member.size) or content.read()

    def _in_parquet(self, name: str, rows: list[int]) -> Iterator[Payload | str]:
        """Yield what is in a run of rows, which are those of whole row groups."""
        with pq.ParquetFile(self._plan.root / name, pre_buffer=False, buffer_size=1 << 20) as file:
            column = column_of(file.schema_arrow.names, self._plan.about["column"])
            groups, first = [], 0
            for index in range(file.num_row_groups):
                if rows[0] <= first <= rows[-1]:
                    groups.append(index)
                first += file.metadata.row_group(index).num_rows
            for batch in file.iter_batches(AT_ONCE, row_groups=groups, columns=[column]):
                yield from (_of_cell(cell, PurePath(name).parent) for cell in batch.column(0).to_pylist())

    def _of_file(self, name: str) -> Payload:
        if not name:
            return Unreadable("The input names no picture.")
        try:
            with open_regular(self._plan.root / name) as file:
                content = file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            return Unreadable(f"The file cannot be read ({getattr(error, 'strerror', None) or error}).")
        return _too_large(len(content)) or content

    def _fetched(self, addresses: list[str]) -> dict[str, Payload]:
        if not addresses:
            return {}
        found: dict[str, Payload] = {}
        # Of one program, so that it is not started for those who have no addresses.
        self._fetcher = self._fetcher or (
            Fetcher(lambda _: True, ANY_PORT) if self._any_address else Fetcher()
        )
        anyio.run(self._fetch_all, dict.fromkeys(addresses), found)
        return found

    async def _fetch_all(self, addresses: dict[str, None], found: dict[str, Payload]) -> None:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                tasks.start_soon(self._fetch, address, found)

    async def _fetch(self, address: str, found: dict[str, Payload]) -> None:
        assert self._fetcher is not None
        try:
            try:
                found[address] = await self._fetcher.content(address)
            except UnreachedError:
                await anyio.sleep(PAUSE_S)
                found[address] = await self._fetcher.content(address)
        except FetchError as error:
            found[address] = Unreadable(str(error))


def _is_address(text: str) -> bool:
    return text.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def _of_cell(cell: Any, folder: PurePath) -> Payload | str:
    """Return what a Parquet file's value is: a picture's bytes, or its path or address.

    Args:
        cell: the value.
        folder: the file's, which its paths are relative to.
    """
    if isinstance(cell, dict):  # a struct, as Hugging Face's datasets have it
        cell = cell.get(BYTES) or cell.get("path")
    if cell is None:
        return Unreadable("The row has no picture.")
    if isinstance(cell, bytes):
        return _too_large(len(cell)) or cell
    if isinstance(cell, str):
        return cell if not cell or _is_address(cell) else str(folder / cell)
    return Unreadable(f"The row has a {type(cell).__name__}, expected bytes, a path or an address.")


def _too_large(size: int) -> Unreadable | None:
    if size <= MOST_BYTES:
        return None
    return Unreadable(f"The file has more than {MOST_BYTES // 1024**2} MiB: send a smaller one.")
