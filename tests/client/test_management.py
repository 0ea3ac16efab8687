"""The management API's client: what TorchServe's answers become."""

from pathlib import Path

import pytest

from client.errors import LoadFailed, Unreachable
from client.management import Management, ModelStatus
from tests.ui.answering import NOBODY, answering
from tests.ui.managing import PAGE_SIZE, managing
from tests.ui.several_models import put_archive


def test_a_models_description_says_version_and_ready_workers() -> None:
    states = {"9000": "READY", "9001": "UNLOADING", "9002": "READY"}
    workers = [{"id": name, "status": state, "pid": int(name) + 1} for name, state in states.items()]
    body = [{"modelName": "digits", "modelVersion": "1.2.0", "modelUrl": "d.mar", "workers": workers}]
    with answering(body) as server:
        assert Management(server.url).describe("digits") == ModelStatus(
            "digits", "1.2.0", "d.mar", ready_workers=2, workers=3, starting={"9001": 9002}
        )


@pytest.mark.parametrize(("status", "body"), [(404, {"code": 404}), (200, []), (200, b"?"), (200, {"a": 1})])
def test_a_model_without_a_usable_description_is_unreachable(status: int, body: object) -> None:
    with answering(body, status=status) as server, pytest.raises(Unreachable):
        Management(server.url).describe("digits")


def test_a_version_is_found_or_known_not_to_be_there(tmp_path: Path) -> None:
    for version in ("1.0.0", "2.0.0"):
        put_archive(tmp_path, f"{version}.mar", "digits", version)
    with managing(tmp_path, loaded=["1.0.0.mar", "2.0.0.mar"]) as server:
        management = Management(server.url)
        found = [management.find(path) for path in ("digits", "digits/2.0.0")]
        assert [status and status.version for status in found] == ["1.0.0", "2.0.0"]
        assert management.find("digits/3.0.0") is None
        server.is_away = True
        with pytest.raises(Unreachable):
            management.find("digits/3.0.0")


@pytest.mark.parametrize("body", [{"models": 7}, {"models": [{}]}, [], {"models": [], "nextPageToken": "0"}])
def test_a_list_of_another_form_does_not_hold_the_page_up(body: object) -> None:
    with answering(body) as server:
        management = Management(server.url)
        if isinstance(body, dict) and body["models"] == []:
            assert management.served() == ([], {})
        else:
            with pytest.raises(Unreachable):
                management.served()


def test_models_of_every_page_of_the_list_are_found(tmp_path: Path) -> None:
    names = [f"model-{number}" for number in range(2 * PAGE_SIZE + 1)]
    for name in names:
        put_archive(tmp_path, f"{name}.mar", name)
    put_archive(tmp_path, "later.mar", names[0], "2.0.0")
    with managing(tmp_path, loaded=[f"{name}.mar" for name in [*names, "later"]]) as server:
        served, skipped = Management(server.url).served()
    assert skipped == {}
    expected = [(name, "1.0.0") for name in names] + [(names[0], "2.0.0")]
    assert sorted((status.model, status.version) for status in served) == sorted(expected)


@pytest.mark.parametrize("name", ["a/b", "..", "a\0b", ""])
def test_a_model_that_has_no_address_is_skipped_and_the_others_are_found(name: str, tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits")
    with managing(tmp_path, loaded=["digits.mar"]) as server:
        server.workers[name, "1.0.0"] = 0
        served, skipped = Management(server.url).served()
    assert [status.model for status in served] == ["digits"]
    assert skipped == {name: "TorchServe serves it, but has no address for such a name"}


def test_a_model_that_is_described_in_another_form_is_skipped_and_one_that_is_gone_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("broken", "digits", "gone"):
        put_archive(tmp_path, f"{name}.mar", name)
    with managing(tmp_path, loaded=["broken.mar", "digits.mar", "gone.mar"]) as server:
        answer = server.answer
        others = {"/models/broken/all": (200, [{}]), "/models/gone/all": (404, {"code": 404})}
        monkeypatch.setattr(
            server, "answer", lambda method, address: others.get(address) or answer(method, address)
        )
        served, skipped = Management(server.url).served()
    assert [status.model for status in served] == ["digits"]
    assert skipped == {"broken": "TorchServe's management API answers in an unknown form"}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, {"message": "Failed to save model: a.mar"}, r"answers 500 \(Failed to save model: a.mar\)"),
        (404, {"message": "Model not found at: a.mar"}, r"answers 404 \(Model not found at: a.mar\)"),
        (400, b"not json", "answers 400$"),
        (403, [], "answers 403$"),
    ],
)
def test_why_a_model_is_not_loaded_is_told_in_words(status: int, body: object, words: str) -> None:
    with answering(body, status=status) as server, pytest.raises(LoadFailed, match=words):
        Management(server.url).register("a.mar")


def test_an_absent_management_api_loads_nothing() -> None:
    management = Management(NOBODY)
    with pytest.raises(Unreachable):
        management.served()
    with pytest.raises(LoadFailed, match="cannot be reached"):
        management.register("a.mar")
