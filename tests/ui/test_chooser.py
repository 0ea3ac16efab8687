"""The chooser: what its select shows, and how one model gives way to another."""

import re
import subprocess
from pathlib import Path

import pytest

from client.management import Management, path_of
from system import known_archives
from tests.ui.answering import NOBODY
from tests.ui.managing import Managing
from tests.ui.several_models import DIGITS, backend, put_archive
from ui.models.chooser import Chooser, choose, chooser_html
from ui.models.listing import Models


def options(shown: Chooser) -> list[str]:
    return re.findall(r"<option[^>]*>([^<]+)<", chooser_html(shown))


def test_archives_and_loaded_models_are_listed_the_pages_own_first(torchserve: Managing, store: Path) -> None:
    put_archive(store, "a.mar", "abc", "2.0.0")
    models, loader = backend(torchserve.url, store)
    (shown,) = choose(models, loader, "", "")
    assert options(shown) == ["digits 1.0.0", "abc 2.0.0 · not loaded", "digits-vit 1.0.0 · not loaded"]
    assert shown.active.path == "digits"
    assert models.labels(models.find("abc/2.0.0")) == DIGITS


def test_a_model_that_is_not_loaded_is_registered_while_the_old_one_reads(
    torchserve: Managing, store: Path
) -> None:
    models, loader = backend(torchserve.url, store)
    loading, done = choose(models, loader, "digits-vit/1.0.0", "digits")
    assert (loading.active.name, loading.loading and loading.loading.name) == ("digits", "digits-vit")
    assert "Loading digits-vit 1.0.0 … Using digits 1.0.0 until then." in chooser_html(loading)
    assert '" disabled><option value' in chooser_html(loading, 1)
    assert '"><option value' in chooser_html(done, 2)
    assert (done.active.path, done.loading, done.complaint) == ("digits-vit/1.0.0", None, "")
    assert options(done) == ["digits 1.0.0", "digits-vit 1.0.0"]
    assert torchserve.changes == ["POST /models?url=digits-vit.mar&initial_workers=1&synchronous=false"]


def test_a_loaded_model_is_chosen_at_once(torchserve: Managing, store: Path) -> None:
    models, loader = backend(torchserve.url, store)
    list(choose(models, loader, "digits-vit/1.0.0", ""))
    (done,) = choose(models, loader, "digits-vit/1.0.0", "digits")
    assert done.active.name == "digits-vit"


def test_who_may_not_have_models_loaded_chooses_among_those_that_are(
    torchserve: Managing, store: Path
) -> None:
    models, loader = backend(torchserve.url, store)
    (refused,) = choose(models, loader, "digits-vit/1.0.0", "digits", may_load=False)
    assert refused.active.path == "digits"
    assert refused.complaint == (
        "digits-vit 1.0.0 is not loaded, and only an operator can load it. Still using digits 1.0.0."
    )
    assert torchserve.changes == []
    list(choose(models, loader, "digits-vit/1.0.0", "digits"))
    (done,) = choose(models, loader, "digits-vit/1.0.0", "digits", may_load=False)
    assert (done.active.path, done.complaint) == ("digits-vit/1.0.0", "")
    # Nor may they bring back one that has lost its workers.
    torchserve.workers["digits-vit", "1.0.0"] = 0
    (back,) = choose(models, loader, "digits-vit/1.0.0", "digits-vit/1.0.0", may_load=False)
    assert back.active.path == "digits"


def test_a_model_that_does_not_load_says_why_and_the_old_one_stays(torchserve: Managing, store: Path) -> None:
    torchserve.failing.add("digits-vit")
    models, loader = backend(torchserve.url, store)
    _, failed = choose(models, loader, "digits-vit/1.0.0", "digits")
    assert failed.active.name == "digits"
    assert failed.complaint == (
        "digits-vit 1.0.0 could not be loaded: its workers do not start; "
        "TorchServe's model.log says why. Still using digits 1.0.0."
    )
    # Else TorchServe would start its workers again and again.
    assert torchserve.changes[-1] == "DELETE /models/digits-vit/1.0.0"


def test_a_model_that_cannot_come_back_gives_way_to_the_pages_own(torchserve: Managing, store: Path) -> None:
    models, loader = backend(torchserve.url, store)
    list(choose(models, loader, "digits-vit/1.0.0", "digits"))
    torchserve.workers["digits-vit", "1.0.0"] = 0
    torchserve.failing.add("digits-vit")
    again, failed = choose(models, loader, "digits-vit/1.0.0", "digits-vit/1.0.0")
    assert "Loading digits-vit 1.0.0 again: it was idle" in chooser_html(again)
    assert failed.active.path == "digits"


def test_two_answers_to_the_browser_are_never_alike(torchserve: Managing, store: Path) -> None:
    (shown,) = choose(*backend(torchserve.url, store), "", "")
    assert chooser_html(shown, 1) != chooser_html(shown, 2)
    assert 'data-asked="0"' in chooser_html(shown, "<b>")


def test_a_model_that_nobody_can_ask_for_is_shown_and_said_once_and_hides_no_other(
    torchserve: Managing, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models, loader = backend(torchserve.url, store)
    torchserve.workers["a/<b>", "1.0.0"] = 0
    (shown,) = choose(models, loader, "", "")
    models.listing()
    assert options(shown)[:2] == ["digits 1.0.0", "digits-vit 1.0.0 · not loaded"]
    assert "a/&lt;b&gt;: TorchServe serves it, but has no address for such a name" in options(shown)[2]
    assert shown.listing.complaint == ""
    assert [record.getMessage() for record in caplog.records] == [
        "'a/<b>' cannot be chosen: TorchServe serves it, but has no address for such a name"
    ]


def test_an_archive_that_is_not_known_is_shown_and_not_chosen_until_somebody_accepts_it(
    torchserve: Managing, store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = tmp_path / "var" / "archives.sha256"
    known_archives.begin(known, store)
    put_archive(store, "foreign.mar", "foreign")
    models = Models("digits", Management(torchserve.url), store, known)
    _, loader = backend(torchserve.url, store)
    (shown,) = choose(models, loader, "foreign/1.0.0", "")
    assert options(shown) == [
        "digits 1.0.0",
        "digits-vit 1.0.0 · not loaded",
        "foreign.mar: it was not built here, and no operator has accepted it",
    ]
    assert "That model is no longer available." in shown.complaint
    assert torchserve.changes == []
    accept = known_archives.how_to_accept(store / "foreign.mar", known)
    assert caplog.records[-1].getMessage().endswith(f"no operator has accepted it: {accept}")
    subprocess.run(["sh", "-c", accept], check=True)
    assert "foreign 1.0.0 · not loaded" in options(Chooser(models.listing(), models.own()))


def test_a_damaged_archive_is_shown_and_cannot_be_chosen(torchserve: Managing, store: Path) -> None:
    (store / "torn.mar").write_bytes((store / "digits.mar").read_bytes()[:100])
    models, loader = backend(torchserve.url, store)
    (shown,) = choose(models, loader, "torn", "")
    assert '<option disabled title="it is damaged">torn.mar: it is damaged</option>' in chooser_html(shown)
    assert shown.active.name == "digits"


def test_without_the_management_api_the_page_goes_on_with_its_model(store: Path) -> None:
    models, loader = backend(NOBODY, store)
    (shown,) = choose(models, loader, "digits-vit/1.0.0", "")
    assert options(shown) == ["digits 1.0.0"]
    assert "cannot be loaded now" in chooser_html(shown)


def test_without_management_api_and_model_store_there_is_one_model_and_no_complaint() -> None:
    (shown,) = choose(*backend(NOBODY, None), "", "")
    assert options(shown) == ["digits"]
    assert 'role="status"></p>' in chooser_html(shown)


def test_a_chosen_model_stays_while_the_management_api_is_away(torchserve: Managing, store: Path) -> None:
    models, loader = backend(torchserve.url, store)
    list(choose(models, loader, "digits-vit/1.0.0", ""))
    torchserve.is_away = True
    (shown,) = choose(models, loader, "digits-vit/1.0.0", "digits-vit/1.0.0")
    assert shown.active.name == "digits-vit"
    assert "cannot be loaded now" in chooser_html(shown)


@pytest.mark.parametrize("path", ["", None, 7, "digits?url=evil", ["digits/1.0.0"], "fashion"])
def test_what_names_no_version_is_the_pages_own_model(
    path: object, torchserve: Managing, store: Path
) -> None:
    models, _ = backend(torchserve.url, store)
    assert models.find(path) == models.own()
    assert models.own().path == "digits"


@pytest.mark.parametrize("path", ["digits/9.9.9", "../models", "digits/1.0.0?url=evil"])
def test_a_model_that_is_not_there_is_not_found_and_the_chooser_says_who_reads(
    path: str, torchserve: Managing, store: Path
) -> None:
    models, loader = backend(torchserve.url, store)
    assert models.find(path) is None
    (shown,) = choose(models, loader, path, path)
    assert shown.active == models.own()
    assert shown.complaint == "That model is no longer available. Using digits 1.0.0 instead."
    list(choose(models, loader, "digits-vit/1.0.0", "digits"))
    (shown,) = choose(models, loader, path, "digits-vit/1.0.0")
    assert shown.complaint == "That model is no longer available. Using digits-vit 1.0.0 instead."


def test_a_model_that_came_after_the_last_listing_is_found(
    torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.models.listing.LIST_AGAIN_S", 3600.0)
    models, _ = backend(torchserve.url, store)
    assert models.find("abc/1.0.0") is None
    put_archive(store, "abc.mar", "abc")
    assert models.find("abc/1.0.0") is None  # not listed again within the second
    models, _ = backend(torchserve.url, store)
    monkeypatch.setattr("ui.models.listing.LIST_AGAIN_S", 0.0)
    models.listing()
    put_archive(store, "abd.mar", "abd")
    found = models.find("abd/1.0.0")
    assert found is not None
    assert found.file == "abd.mar"


def test_who_chose_a_version_before_it_became_the_default_one_stays_with_it(
    torchserve: Managing, store: Path
) -> None:
    put_archive(store, "digits-1.1.0.mar", "digits", "1.1.0")
    models, loader = backend(torchserve.url, store)
    list(choose(models, loader, "digits/1.1.0", "digits"))
    torchserve.set_default("digits", "1.1.0")
    (shown,) = choose(models, loader, "digits/1.1.0", "digits/1.1.0")
    assert (shown.active.path, shown.active.version, shown.complaint) == ("digits", "1.1.0", "")
    assert options(shown) == ["digits 1.1.0", "digits 1.0.0", "digits-vit 1.0.0 · not loaded"]


def test_a_path_is_quoted_as_in_a_url() -> None:
    assert path_of("a/b", "1.0 ü") == "a%2Fb/1.0%20%C3%BC"


def test_another_version_of_the_pages_own_model_can_be_chosen(torchserve: Managing, store: Path) -> None:
    put_archive(store, "digits-1.1.0.mar", "digits", "1.1.0")
    models, loader = backend(torchserve.url, store)
    *_, done = choose(models, loader, "digits/1.1.0", "digits")
    assert (done.active.path, done.active.version) == ("digits/1.1.0", "1.1.0")


def test_names_cannot_bring_markup_into_the_page(torchserve: Managing, store: Path) -> None:
    put_archive(store, "evil.mar", "<b>", '"><i>')
    (store / "<u>.mar").write_bytes(b"")
    (shown,) = choose(*backend(torchserve.url, store), "", "")
    html = chooser_html(shown)
    assert not {"b", "i", "u"} & {*re.findall(r"<(\w+)", html)}
