"""How much memory is left: a container's limit counts where it is lower than the machine's."""

from pathlib import Path

import psutil
import pytest

from system.memory import available_bytes

V2 = {"memory.max": "{most}", "memory.current": "700", "memory.stat": "anon 500\ninactive_file 150\n"}
V1 = {
    "memory/memory.limit_in_bytes": "{most}",
    "memory/memory.usage_in_bytes": "700",
    "memory/memory.stat": "cache 500\ntotal_inactive_file 150\n",
}


def put(folder: Path, files: dict[str, str], most: str) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.format(most=most))
    return folder


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_a_container_has_what_its_limit_leaves_and_what_files_hold(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert available_bytes(put(tmp_path, files, "1000")) == 450
    assert available_bytes(put(tmp_path, files, "600")) == 50
    assert available_bytes(put(tmp_path, files, "500")) == 0


@pytest.mark.parametrize(("files", "none"), [(V2, "max"), (V1, str(2**63 - 4096)), ({}, "")])
def test_without_a_limit_it_is_the_machine_s(tmp_path: Path, files: dict[str, str], none: str) -> None:
    found = available_bytes(put(tmp_path, files, none))
    assert 0 < found <= psutil.virtual_memory().total
