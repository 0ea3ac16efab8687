"""The client of TorchServe's inference API; `ui.management` is the other one's."""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError

from ui import request_id
from ui.errors import Busy, NotLoaded, PredictionError, Refused, Unexplained, Unreachable

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 1.0
# One connection per prediction that may run at once: the threads that Gradio calls handlers with.
POOL_SIZE = 40
# Maps lie over the network's frame, which has so many pixels a side.
MAP_SIDE = 28


@dataclass(frozen=True)
class Answer:
    """What the model made of one drawing.

    Attributes:
        label: The most probable label.
        confidence: Its probability, 0 to 1.
        probabilities: Every label's probability, in the model's order.
        model: Name of the model that answered.
        version: Its version.
        preprocessing: Fingerprint of the preprocessing that made the frame.
        label_set: The labels that it may be, likeliest first; () from archives that give no set.
        is_digit: Whether it looks like a digit at all; None from archives that do not say.
        frame: What the network saw, a data URL of a 28x28 PNG (0 paper, 255 ink), or "" when not sent.
        request_id: The id under which page and TorchServe logged the request.
        latency_ms: From the request's start to its answer.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]
    model: str
    version: str
    preprocessing: str
    label_set: tuple[str, ...]
    is_digit: bool | None
    frame: str
    request_id: str
    latency_ms: float


@dataclass(frozen=True)
class Explained:
    """Why the model answered as it did; the maps are 28 rows of 28 values, in log-odds.

    Attributes:
        label: The answer.
        runner_up: The second most probable label.
        importance: Positive where hiding the ink would make the answer less sure, 0 where there is no ink.
        tip: Positive where ink that is added moves the answer towards the runner-up, negative where ink that
            is erased does.
        box: Left, top and side of the maps' square in the image's own pixels; it may reach beyond the image.
    """

    label: str
    runner_up: str
    importance: tuple[tuple[float, ...], ...]
    tip: tuple[tuple[float, ...], ...]
    box: tuple[float, float, float]


class TorchServe:
    """TorchServe's inference API; one instance may be used by many threads.

    Args:
        inference_url: Such as http://127.0.0.1:8080.
        timeout_s: How long one prediction may take.
    """

    def __init__(self, inference_url: str, *, timeout_s: float = 5.0) -> None:
        self._inference_url = inference_url
        self._timeout_s = timeout_s
        self._session = requests.Session()
        # TorchServe is a neighbour, which a proxy from the environment would not find.
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=POOL_SIZE)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def predict(self, image: bytes, model: str) -> Answer:
        """Send one image file and return the model's answer, with the frame that the network saw.

        Args:
            image: The file's bytes.
            model: The model's name, or name/version, as they stand in a URL.

        Raises:
            Refused: The image cannot be read as a drawing.
            Busy: TorchServe cannot take another request now.
            Unreachable: There is no answer for another reason.
        """
        started = time.perf_counter()
        own_id = request_id.current() or request_id.new()
        response = self._post(f"predictions/{model}", image, own_id, {"X-Frame": "1"})
        latency_ms = 1000 * (time.perf_counter() - started)
        return _answer(_json(response), own_id, latency_ms)

    def explain(self, image: bytes, model: str) -> Explained:
        """Send one image file and return why the model answers it as it does; arguments as for `predict`.

        Raises:
            Unexplained: The model's archive explains nothing.
            PredictionError: As `predict` does.
        """
        own_id = request_id.current() or request_id.new()
        return _explained(_json(self._post(f"explanations/{model}", image, own_id, {})))

    def _post(self, path: str, image: bytes, own_id: str, more: dict[str, str]) -> requests.Response:
        """Return the response with status 200, or raise the error that fits."""
        # TorchServe gives each request an id of its own and logs no header: its access log shows this query.
        url = f"{self._inference_url}/{path}?request_id={own_id}"
        headers = {"Content-Type": "application/octet-stream", request_id.HEADER: own_id, **more}
        started = time.perf_counter()
        try:
            response = self._send(url, image, headers)
        except requests.Timeout as error:
            _log_silence(started, error)
            raise Unreachable(f"The model did not answer within {self._timeout_s:g} seconds.") from error
        except requests.RequestException as error:
            _log_silence(started, error)
            raise Unreachable("The model cannot be reached.") from error
        _log_answer(started, response)
        if response.status_code != requests.codes.ok:
            raise _error(response)
        return response

    def _send(self, url: str, image: bytes, headers: dict[str, str]) -> requests.Response:
        """Return the response; where the connection breaks, of a second try at once.

        A TorchServe that was killed takes its connections along, while another may already be there. What is
        asked twice is computed twice, and nothing else.
        """
        deadline = time.monotonic() + self._timeout_s
        try:
            return self._send_once(url, image, headers, self._timeout_s)
        except requests.Timeout:
            raise
        except (requests.ConnectionError, ChunkedEncodingError) as error:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise
            logger.info("torchserve is asked again: %s", type(error).__name__)
            return self._send_once(url, image, headers, left_s)

    def _send_once(
        self, url: str, image: bytes, headers: dict[str, str], timeout_s: float
    ) -> requests.Response:
        # From the header the handler knows how long a request waited for it.
        headers = {**headers, "X-Request-Start": f"t={time.time():.3f}"}
        timeout = (min(CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        return self._session.post(url, data=image, headers=headers, timeout=timeout)


def _log_answer(started: float, response: requests.Response) -> None:
    duration_ms = round(1000 * (time.perf_counter() - started), 1)
    status, their_id = response.status_code, response.headers.get(request_id.HEADER, "-")
    fields = {"torchserve_id": their_id, "status": status, "duration_ms": duration_ms}
    logger.info("torchserve %s %d %.0f ms", their_id, status, duration_ms, extra={"fields": fields})


def _log_silence(started: float, error: requests.RequestException) -> None:
    duration_ms = round(1000 * (time.perf_counter() - started), 1)
    fields = {"duration_ms": duration_ms}
    reason = type(error).__name__
    logger.warning(
        "torchserve gave no answer: %s after %.0f ms", reason, duration_ms, extra={"fields": fields}
    )


def _answer(body: Any, own_id: str, latency_ms: float) -> Answer:
    try:
        return Answer(
            label=body["label"],
            confidence=float(body["confidence"]),
            probabilities={str(label): float(p) for label, p in body["probabilities"].items()},
            model=body["model"],
            version=body["version"],
            preprocessing=body["preprocessing"],
            label_set=tuple(str(label) for label in body.get("set") or ()),
            is_digit=None if body.get("is_digit") is None else bool(body["is_digit"]),
            frame=body.get("frame", ""),
            request_id=own_id,
            latency_ms=latency_ms,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable("The model answered in a form that this page does not know.") from error


def _explained(body: Any) -> Explained:
    try:
        left, top, side = (float(value) for value in body["box"])
        explained = Explained(
            label=str(body["label"]),
            runner_up=str(body["runner_up"]),
            importance=_map(body["importance"]),
            tip=_map(body["tip"]),
            box=(left, top, side),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise Unreachable("The model explained itself in a form that this page does not know.") from error
    if not math.isfinite(left + top + side) or side <= 0:
        raise Unreachable("The model explained itself, but not where on the drawing that lies.")
    return explained


def _map(rows: Any) -> tuple[tuple[float, ...], ...]:
    """Return a map of 28 x 28 finite values; raise ValueError or TypeError for anything else."""
    values = tuple(tuple(float(value) for value in row) for row in rows)
    if len(values) != MAP_SIDE or {len(row) for row in values} != {MAP_SIDE}:
        raise ValueError(f"a map of {MAP_SIDE} x {MAP_SIDE} values was expected")
    if not all(math.isfinite(value) for row in values for value in row):
        raise ValueError("a map has a value that is no number")
    return values


def _error(response: requests.Response) -> PredictionError:
    """Return the error that fits a status other than 200."""
    if response.status_code == requests.codes.bad_request:
        body = _json(response)
        if isinstance(body, dict) and body.get("type") == "BadImage":
            return Refused(str(body.get("message")))
    if response.status_code == requests.codes.service_unavailable:
        return Busy("The model is busy or still starting.")
    if response.status_code == requests.codes.not_found:
        return NotLoaded("The model is not loaded.")
    if response.status_code == requests.codes.not_implemented:
        return Unexplained("This model does not say why.")
    return Unreachable(f"The model could not answer (status {response.status_code}).")


def _json(response: requests.Response) -> Any:
    """Return the body's JSON, or None where it holds none."""
    try:
        return response.json()
    except requests.JSONDecodeError:
        return None
