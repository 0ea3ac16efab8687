"""How much memory programs that are started now may still take, on this machine or in this container."""

from pathlib import Path

import psutil

# What a container may take, what it takes, and how much of that is files that the kernel gives up when asked:
# of cgroup v2 and v1 (https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files).
CGROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def available_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how much memory is left: the machine's, or the container's where that is less."""
    machine = int(psutil.virtual_memory().available)
    return min([machine, *(left for files in CGROUPS if (left := _left(cgroup, *files)) is not None)])


def _left(cgroup: Path, most: str, used: str, stat: str, files: str) -> int | None:
    """Return what a container has left; None where there is no limit, or nothing says so."""
    try:
        found = dict(line.split() for line in (cgroup / stat).read_text().splitlines())
        freed = int(found.get(files, 0))
        return max(0, int((cgroup / most).read_text()) - int((cgroup / used).read_text()) + freed)
    except (OSError, ValueError):  # "max" is no limit
        return None
