"""What TorchServe lacks, by what is to be served and what it has."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.management import ModelStatus
from db.serving import Serving
from db.versions import Version
from rollout.reconcile import MANIFEST, NotHere, Places, Step, steps
from rollout.rule import Rule
from system import known_archives
from training.archive.contents import BadArchive, read_archive

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULE = Rule()


def serving(
    version: str = "1.0.0",
    previous: str | None = None,
    candidate: str | None = None,
    share: int = 0,
    age_s: float = 5,
    leaving: tuple[str, ...] = (),
) -> Serving:
    changed_at = NOW - timedelta(seconds=age_s)
    return Serving("digits", version, previous, candidate, share, 0, "", changed_at, leaving)


def found(wanted: Serving, default: str, **workers: int) -> list[Step]:
    """Return what is to be done where the versions, such as v1_0_0, have so many ready workers."""
    served = {}
    for name, count in workers.items():
        version = name[1:].replace("_", ".")
        served[version] = ModelStatus("digits", version, "", count, count)
    return steps(wanted, served, default, NOW, RULE)


def test_where_all_is_as_it_is_to_be_nothing_is_done() -> None:
    wanted = serving("1.1.0", previous="1.0.0", candidate="1.2.0", share=25)
    assert found(wanted, "1.1.0", v1_0_0=2, v1_1_0=2, v1_2_0=2) == []


def test_a_torchserve_that_was_started_again_gets_all_of_it_and_the_default_once_it_is_ready() -> None:
    wanted = serving("1.1.0", previous="1.0.0", candidate="1.2.0", share=5)
    assert found(wanted, "1.0.0", v1_0_0=2) == [Step("register", "1.1.0"), Step("register", "1.2.0")]
    assert found(wanted, "1.0.0", v1_0_0=2, v1_1_0=0, v1_2_0=2) == [Step("start", "1.1.0", 2)]
    assert found(wanted, "1.0.0", v1_0_0=2, v1_1_0=2, v1_2_0=2) == [Step("default", "1.1.0")]


def test_the_version_before_stays_for_a_day() -> None:
    young, old = (serving("1.1.0", previous="1.0.0", age_s=hours * 3600) for hours in (23, 25))
    assert found(young, "1.1.0", v1_0_0=2, v1_1_0=2) == []
    assert found(old, "1.1.0", v1_0_0=2, v1_1_0=2) == [Step("unregister", "1.0.0")]


def test_what_is_tried_no_longer_is_taken_away_once_all_pages_know() -> None:
    fresh, known = (serving(candidate="1.1.0", age_s=age_s) for age_s in (30, 90))
    assert found(fresh, "1.0.0", v1_0_0=2, v1_1_0=2) == []
    assert found(known, "1.0.0", v1_0_0=2, v1_1_0=2) == [Step("unregister", "1.1.0")]
    assert found(known, "1.0.0", v1_0_0=2) == []


def test_what_the_row_names_no_longer_is_taken_away_once_all_pages_know() -> None:
    fresh, known = (serving("1.2.0", "1.1.0", leaving=("1.0.0",), age_s=age_s) for age_s in (30, 90))
    assert found(fresh, "1.2.0", v1_0_0=2, v1_1_0=2, v1_2_0=2) == []
    assert found(known, "1.2.0", v1_0_0=2, v1_1_0=2, v1_2_0=2) == [Step("unregister", "1.0.0")]


def test_the_default_version_of_torchserve_is_never_taken_away() -> None:
    assert found(serving(candidate="1.1.0", age_s=90), "1.1.0", v1_1_0=2) == [Step("register", "1.0.0")]


def test_versions_that_nobody_decided_on_are_left_alone() -> None:
    assert found(serving(), "1.0.0", v1_0_0=2, v0_9_0=1) == []


# Bytes of the manifest's content, of how it is compressed, and that it takes a password.
@pytest.mark.parametrize(("at", "changed"), [(70, b"\xff" * 20), (8, b"\x09"), (6, b"\x01")])
def test_what_cannot_be_read_is_nobodys_archive(tmp_path: Path, at: int, changed: bytes) -> None:
    archive, manifest = tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1.0.0"}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(MANIFEST, json.dumps({"model": manifest, "more": [*range(300)]}))
    assert Places(tmp_path).found("digits", "1.0.0", archive.name) is not None
    content = bytearray(archive.read_bytes())
    for begin in (at, content.index(b"PK\x01\x02") + at + 2)[: 1 if at > 30 else 2]:
        content[begin : begin + len(changed)] = changed
    archive.write_bytes(content)
    assert Places(tmp_path).found("digits", "1.0.0", archive.name) is None
    with pytest.raises(BadArchive, match="cannot be read"):
        read_archive(archive)


def test_only_the_very_archive_that_is_known_is_registered(tmp_path: Path) -> None:
    archive, known = tmp_path / "digits-1.1.0.mar", tmp_path / "known"
    archive.write_bytes(b"an archive")
    version = Version("digits", "1.1.0", archive.name, known_archives.digest(archive))
    assert Places(tmp_path, known).checked("digits", "1.1.0", version) == archive.name
    known_archives.begin(known, tmp_path)
    with pytest.raises(NotHere, match="no operator has accepted it: sha256sum"):
        Places(tmp_path, known).checked("digits", "1.1.0", version)
    archive.write_bytes(b"another archive")
    with pytest.raises(NotHere, match="is not the file of digits"):
        Places(tmp_path).checked("digits", "1.1.0", version)
    archive.unlink()
    with pytest.raises(NotHere, match="cannot be read"):
        Places(tmp_path).checked("digits", "1.1.0", version)
    with pytest.raises(NotHere, match="there is no known archive of digits"):
        Places(tmp_path).checked("digits", "2.0.0", None)
    # A release with another version under that name has left it under another one.
    (tmp_path / "digits-1.1.0-kept.mar").write_bytes(b"an archive")
    archive.write_bytes(b"another archive")
    assert Places(tmp_path).checked("digits", "1.1.0", version) == "digits-1.1.0-kept.mar"
    # Where TorchServe runs elsewhere, its own store counts.
    assert Places().checked("digits", "1.1.0", version) == archive.name
