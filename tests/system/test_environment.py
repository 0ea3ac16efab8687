"""A variable that cannot be used is refused with its key, its value and what was expected."""

from pathlib import Path

import pytest

from system import environment
from system.environment import SettingError
from system.files import PROJECT


@pytest.mark.parametrize("variables", [{}, {"KEY": ""}, {"KEY": " "}])
def test_absent_and_empty_are_the_default(variables):
    assert environment.text(variables, "KEY", "digits") == "digits"
    assert environment.port(variables, "KEY", 8080) == 8080
    assert environment.span(variables, "KEY", 2.5, "hours", 24) == 2.5
    assert environment.one_of(variables, "KEY", ("file", "console")) == "file"
    assert environment.path(variables, "KEY", "var") == PROJECT / "var"
    assert environment.http_address(variables, "KEY", "http://h:1") == "http://h:1"


def test_a_value_comes_without_spaces_around_it():
    assert environment.text({"KEY": " kmnist\n"}, "KEY") == "kmnist"
    assert environment.port({"KEY": "80 "}, "KEY", 1) == 80


@pytest.mark.parametrize("value", ["a", "0", "65536", "-1", "8080.5", "٨٠٨٠", "9" * 5000])
def test_what_is_no_port_is_refused_with_what_to_do(value):
    with pytest.raises(SettingError) as raised:
        environment.port({"UI_PORT": value}, "UI_PORT", 7860)
    assert str(raised.value) == f"UI_PORT is {value!r}, expected a port number from 1 to 65535"
    assert raised.value.fix == "set UI_PORT to that, or unset it for 7860"


def test_a_limit_is_the_callers():
    assert environment.port({"KEY": "0"}, "KEY", 1, least=0) == 0
    with pytest.raises(SettingError, match="expected a port number from 1 to 65534"):
        environment.port({"KEY": "65535"}, "KEY", 1, most=65534)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf", "24.1"])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(SettingError, match=f"KEY is '{value}', expected hours, more than 0 and at most 24"):
        environment.span({"KEY": value}, "KEY", 1, "hours", 24)


def test_a_text_has_its_pattern():
    assert environment.text({"KEY": "a-b"}, "KEY", pattern="[a-z-]+", expected="a name") == "a-b"
    with pytest.raises(SettingError, match="KEY is 'a-b!', expected a name") as raised:
        environment.text({"KEY": "a-b!"}, "KEY", pattern="[a-z-]+", expected="a name")
    assert raised.value.fix == "set KEY to that, or unset it"


def test_a_choice_is_one_of_those_that_there_are():
    assert environment.one_of({"KEY": "console"}, "KEY", ("file", "console")) == "console"
    with pytest.raises(SettingError, match="KEY is 'File', expected file or console"):
        environment.one_of({"KEY": "File"}, "KEY", ("file", "console"))


def test_a_relative_folder_is_the_projects():
    assert environment.path({"KEY": "here"}, "KEY", "var") == PROJECT / "here"
    assert environment.path({"KEY": "/srv/var"}, "KEY", "var") == Path("/srv/var")
    assert environment.path({"KEY": "~/var"}, "KEY", "var") == Path.home() / "var"


def test_an_address_is_one_of_http():
    assert environment.http_address({"KEY": "https://host:1/"}, "KEY", "") == "https://host:1"
    for value in ("127.0.0.1:8080", "http://"):
        with pytest.raises(SettingError, match=f"KEY is '{value}', expected an address such as http://h"):
            environment.http_address({"KEY": value}, "KEY", "http://h")
