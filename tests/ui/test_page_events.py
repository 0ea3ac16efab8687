"""How the page's events reach its server."""

from collections.abc import Callable

from ui.app import build_page
from ui.backend import Backend
from ui.number import Desks


def test_only_the_choice_of_a_model_goes_through_gradios_queue(make_backend: Callable[..., Backend]) -> None:
    """Its event stream ends with a visitor's last event, and one that joins just then is never answered."""
    backend = make_backend()
    events = build_page(backend, Desks(backend)).get_config_file()["dependencies"]
    queued = [event for one in events if one["queue"] for _, event in one["targets"]]
    assert queued == ["choose"]
    assert {"stroke", "judge", "load", "tick"} <= {event for one in events for _, event in one["targets"]}
