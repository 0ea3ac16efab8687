from pathlib import Path

import pytest

from launch.errors import LaunchError
from launch.java import find_java, major_version


def fake_java(folder: Path, version_line: str) -> Path:
    """A java of another version, as only its answer to -version matters here."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{version_line}' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21.0.8" 2025-07-15 LTS', 21),
        ('java version "1.8.0_442"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("something else", None),
    ],
)
def test_the_major_version_is_read_from_what_java_says(tmp_path, line, version):
    assert major_version(fake_java(tmp_path, line)) == version


def test_java_home_comes_before_the_path(tmp_path):
    at_home = fake_java(tmp_path / "home", 'openjdk version "21.0.1"')
    on_path = fake_java(tmp_path / "path", 'openjdk version "17.0.1"')
    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)})
    assert (found.path, found.version, found.origin) == (at_home, 21, "JAVA_HOME")


def test_a_java_that_is_too_old_is_passed_over(tmp_path):
    fake_java(tmp_path / "home", 'openjdk version "11.0.2"')
    on_path = fake_java(tmp_path / "path", 'openjdk version "17.0.1"')
    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)})
    assert (found.path, found.origin) == (on_path, "PATH")


def test_without_any_java_the_bundled_jre_is_found_and_runs():
    found = find_java({"PATH": ""})
    assert found.origin == "bundled JRE"
    assert found.version >= 17


def test_no_java_at_all_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch):
    old = fake_java(tmp_path / "home", 'openjdk version "11.0.2"')
    monkeypatch.setattr("launch.java._bundled", lambda: None)
    with pytest.raises(LaunchError) as caught:
        find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": ""})
    assert f"JAVA_HOME: {old} is version 11, PATH: none, bundled JRE: none" in caught.value.cause
    assert "make setup" in caught.value.fix
