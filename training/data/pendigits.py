"""The pen strokes' download: from UCI's public archive to one verified file, or one clear error.

Source: Alpaydin and Alimoglu, "Pen-Based Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C5MG6K, CC BY 4.0.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import requests

from system.files import written_aside

MEMBER = "pendigits-orig.tra.Z"  # the training writers' strokes, packed by Unix `compress`
# The real sizes are 1.7 MB, 1 MB and 3.6 MB; more than this is something else, and is not read to its end.
MOST_BYTES = 16_000_000
CONNECT_S, SILENCE_S, WHOLE_S = 10, 30, 300


@dataclass(frozen=True)
class Source:
    """A zip archive with the strokes in it.

    Attributes:
        url: where it is.
        sha256: of the unpacked strokes, in hexadecimal. Not of the zip, which its host may pack anew.
    """

    url: str
    sha256: str


UCI = Source(
    "https://archive.ics.uci.edu/static/public/81/pen+based+recognition+of+handwritten+digits.zip",
    "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
)


def download(path: Path, source: Source = UCI) -> None:
    """Fetch the strokes and put them at `path`: verified and whole, or not at all.

    Raises:
        FileNotFoundError: they cannot be had; the message says why, and what to do by hand.
    """
    print(f"{path.name} is not in {path.parent}: downloading it to that folder (1.7 MB).", file=sys.stderr)
    try:
        strokes = unpacked(member_of(fetched(source.url)))
        found = hashlib.sha256(strokes).hexdigest()
        if found != source.sha256:
            raise ValueError(
                f"the SHA-256 of {len(strokes):,} bytes of strokes is {found}, expected {source.sha256}"
            )
        with written_aside(path) as draft:  # another download at the same time has a draft of its own
            draft.write_bytes(strokes)
    except (OSError, ValueError) as error:  # those of requests are OSErrors too
        raise FileNotFoundError(
            f"{path} does not exist and cannot be downloaded from {source.url} ({error}). Download that zip "
            f"of https://doi.org/10.24432/C5MG6K elsewhere, unpack it, run `gzip -d {MEMBER}` and put "
            f"{path.name} there, or train with --dataset mnist, which needs no strokes."
        ) from None


def fetched(url: str) -> bytes:
    """Return what is at the address, up to MOST_BYTES.

    Raises:
        OSError: it cannot be reached, answers with an error, falls silent or takes too long.
        ValueError: it is larger.
    """
    ends = time.monotonic() + WHOLE_S
    content = bytearray()
    with requests.get(url, stream=True, timeout=(CONNECT_S, SILENCE_S)) as answer:
        answer.raise_for_status()
        for part in answer.iter_content(64 * 1024):
            content += part
            if len(content) > MOST_BYTES:
                raise ValueError(f"it is larger than {MOST_BYTES / 1e6:.0f} MB, expected 1.7 MB")
            if time.monotonic() > ends:
                raise TimeoutError(f"only {len(content) / 1e6:.1f} MB arrived in {WHOLE_S} s")
    return bytes(content)


def member_of(archive: bytes) -> bytes:
    """Return the packed strokes of a zip archive.

    Raises:
        ValueError: it is not a zip archive, is damaged, or does not hold them.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(MEMBER) as member:
            return _bounded(member.read(MOST_BYTES + 1), MEMBER)
    except KeyError:
        raise ValueError(f"the zip has no {MEMBER}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"received {len(archive):,} bytes that are not a complete zip: {error}") from None


def unpacked(packed: bytes) -> bytes:
    """Return what Unix `compress` packed.

    The gzip program does it: it reads .Z and is on every Linux and macOS, while nothing in Python's standard
    library reads .Z, and a package for one file would be one more dependency of everybody.

    Raises:
        ValueError: it is not packed by `compress`, or there is no gzip.
    """
    # A file and not a pipe for the input, so that reading the output cannot wait for writing the input.
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.seek(0)
        try:
            gzip = subprocess.Popen(
                ["gzip", "-dc"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except FileNotFoundError:
            raise ValueError(f"the program gzip, which unpacks {MEMBER}, is not installed") from None
        with gzip:
            assert gzip.stdout is not None
            assert gzip.stderr is not None
            content = gzip.stdout.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                gzip.kill()
            said = gzip.stderr.read().decode(errors="replace").strip()
    _bounded(content, f"the unpacked {MEMBER}")
    if gzip.returncode != 0:
        raise ValueError(f"{MEMBER} cannot be unpacked: {said}")
    return content


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name} is larger than {MOST_BYTES / 1e6:.0f} MB")
    return content
