"""Every hardening that SECURITY.md names has the test that it names."""

import re

from tests.docs.documents import PROJECT, read


def test_every_test_that_security_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read("SECURITY.md"))
    assert len(named) > 25
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (PROJECT / path).is_file() or not re.search(rf"^def {name}\(", read(path), re.MULTILINE)
    ]
    assert missing == []


def test_security_says_how_to_report_and_what_is_trusted() -> None:
    headings = re.findall(r"^## (.+)$", read("SECURITY.md"), re.MULTILINE)
    assert headings[0] == "Reporting"
    assert {"What is supported", "Whom and what we trust", "What is stored about people"} <= set(headings)
