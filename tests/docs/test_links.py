"""Every link leads somewhere, on a code host that shows the files and on the site of docs/."""

import re

import pytest
import yaml

from tests.docs.documents import DOCUMENTS, PROJECT, anchors, prose, read

PAGES = [document for document in DOCUMENTS if document.startswith("docs/")]


def links(document: str) -> list[str]:
    """Return the targets of a document's links and pictures that are no addresses of hosts."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    return [link for link in found if not re.match(r"https?://", link)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: str) -> None:
    dead = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (PROJECT / document).parent / path if path else PROJECT / document
        there = target.resolve().relative_to(PROJECT).as_posix()
        if not target.exists() or (anchor and anchor not in anchors(there)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("document", PAGES)
def test_a_page_links_to_no_file_outside_its_folder(document: str) -> None:
    assert [link for link in links(document) if link.startswith("../")] == [], "the site has docs/ alone"


def test_every_page_is_in_the_site_s_menu_and_in_the_index() -> None:
    site = yaml.safe_load(read("mkdocs.yml"))
    in_menu = {f"docs/{page}" for entry in site["nav"] for page in _pages(entry)}
    assert in_menu == set(PAGES)
    in_index = {f"docs/{link.partition('#')[0]}" for link in links("docs/README.md")}
    assert in_index == set(PAGES) - {"docs/README.md"}


def _pages(entry: object) -> list[str]:
    """Return the files below an entry of the menu."""
    if isinstance(entry, str):
        return [entry]
    children = entry.values() if isinstance(entry, dict) else entry
    return [page for child in children for page in _pages(child)]  # type: ignore[attr-defined]
