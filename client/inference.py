"""TorchServe's inference API; `client.management` is the other one."""

import copy
import logging
import time
import uuid
from typing import Any

import requests
from requests.exceptions import ChunkedEncodingError

from client.answers import Answer, Explained, read_answer, read_explained
from client.errors import Busy, Failed, NotLoaded, PredictionError, Refused, Unexplained, Unreachable
from client.session import local_session

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 1.0
# One connection per prediction that may run at once: the threads that Gradio calls handlers with.
POOL_SIZE = 40
REQUEST_ID = "X-Request-Id"
# Of a 503, where it is not that no worker is free: an exception that nobody in the handler caught.
FAILED = "InternalServerException"
KINDS: dict[int, tuple[type[PredictionError], str]] = {
    503: (Busy, "The model is busy or still starting."),
    404: (NotLoaded, "The model is not loaded."),
    501: (Unexplained, "This model cannot explain its answers."),
}


class Inference:
    """TorchServe's inference API; one instance may be used by many threads.

    Args:
        url: Such as http://127.0.0.1:8080.
        timeout_s: How long one prediction may take.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session = local_session(POOL_SIZE)

    def hurried(self) -> "Inference":
        """Return the same API with half the time for a prediction: another one can still be asked for."""
        hurried = copy.copy(self)
        hurried._timeout_s = self._timeout_s / 2
        return hurried

    def predict(self, image: bytes, model: str, request_id: str = "") -> Answer:
        """Send one image file and return the model's answer, with the frame that the network saw.

        Args:
            image: The file's bytes.
            model: The model's name, or name/version, as they stand in a URL.
            request_id: For TorchServe's log; without one, the request gets one of its own.

        Raises:
            Refused: The image cannot be read as a drawing.
            Busy: TorchServe cannot take another request now.
            Unreachable: There is no answer for another reason.
        """
        started = time.perf_counter()
        request_id = request_id or uuid.uuid4().hex
        body = self._post(f"predictions/{model}", image, {REQUEST_ID: request_id, "X-Frame": "1"})
        return read_answer(body, request_id, latency_ms=1000 * (time.perf_counter() - started))

    def explain(self, image: bytes, model: str, request_id: str = "") -> Explained:
        """Send one image file and return why the model answers it as it does; arguments as for `predict`.

        Raises:
            Unexplained: The model's archive explains nothing.
            PredictionError: As `predict` does.
        """
        body = self._post(f"explanations/{model}", image, {REQUEST_ID: request_id or uuid.uuid4().hex})
        return read_explained(body)

    def _post(self, path: str, image: bytes, headers: dict[str, str]) -> Any:
        """Return the JSON of a response with status 200, None where it holds none; or raise what fits."""
        # TorchServe gives each request an id of its own and logs no header: its access log shows this query.
        url = f"{self._url}/{path}?request_id={headers[REQUEST_ID]}"
        started = time.perf_counter()
        try:
            response = self._send(url, image, {"Content-Type": "application/octet-stream", **headers})
        except requests.RequestException as error:
            took_ms = _ms_since(started)
            logger.warning(
                "torchserve gave no answer: %s after %.0f ms",
                type(error).__name__,
                took_ms,
                extra={"fields": {"duration_ms": took_ms}},
            )
            # A time-out within the answer's body comes as a ConnectionError.
            if isinstance(error, requests.Timeout) or took_ms >= 1000 * self._timeout_s:
                raise Unreachable(f"The model did not answer within {self._timeout_s:g} seconds.") from error
            raise Unreachable("The model cannot be reached.") from error
        took_ms, status = _ms_since(started), response.status_code
        their_id = response.headers.get(REQUEST_ID, "-")
        fields = {"torchserve_id": their_id, "status": status, "duration_ms": took_ms}
        logger.info("torchserve %s %d %.0f ms", their_id, status, took_ms, extra={"fields": fields})
        if status != requests.codes.ok:
            raise _error(response)
        return _json(response)

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


def _ms_since(started: float) -> float:
    return round(1000 * (time.perf_counter() - started), 1)


def _error(response: requests.Response) -> PredictionError:
    """Return the error that fits a status other than 200."""
    status = response.status_code
    if status == requests.codes.bad_request:
        body = _json(response)
        if isinstance(body, dict) and body.get("type") == "BadImage":
            return Refused(str(body.get("message")))
    if status == requests.codes.unavailable:
        body = _json(response)
        if isinstance(body, dict) and body.get("type") == FAILED:
            return Failed("The model failed to answer.")
    kind, words = KINDS.get(status, (Unreachable, f"The model could not answer (status {status})."))
    return kind(words)


def _json(response: requests.Response) -> Any:
    """Return the body's JSON, or None where it holds none."""
    try:
        return response.json()
    except requests.JSONDecodeError:
        return None
