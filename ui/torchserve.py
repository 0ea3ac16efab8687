"""The client of TorchServe's inference and management APIs."""

import time
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT_S = 1.0
MANAGEMENT_TIMEOUT_S = 2.0
# One connection per prediction that may run at once: the threads that Gradio calls handlers with.
POOL_SIZE = 40


class PredictionError(Exception):
    """There is no answer; the message says why, in words for the person who drew."""


class Refused(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe answers that the image cannot be read as a drawing (400 BadImage)."""


class Busy(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe's queue is full, or no worker is up yet: both come as the same 503."""


class Unreachable(PredictionError):  # noqa: N818 - what happened, as callers read it
    """TorchServe cannot be reached, does not answer in time, or answers something unforeseen."""


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
        frame: What the network saw, a data URL of a 28x28 PNG (0 paper, 255 ink), or "" when not sent.
        request_id: TorchServe's own id of the request, from its answer; it takes none from clients.
        latency_ms: From the request's start to its answer.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]
    model: str
    version: str
    preprocessing: str
    frame: str
    request_id: str
    latency_ms: float


@dataclass(frozen=True)
class ModelStatus:
    """The default version of a model, and how many of its workers can answer now."""

    model: str
    version: str
    ready_workers: int


class TorchServe:
    """Both APIs of one TorchServe; one instance may be used by many threads.

    Args:
        inference_url: Such as http://127.0.0.1:8080.
        management_url: Such as http://127.0.0.1:8081.
        timeout_s: How long one prediction may take.
    """

    def __init__(self, inference_url: str, management_url: str, timeout_s: float = 5.0) -> None:
        self._inference_url = inference_url
        self._management_url = management_url
        self._timeout_s = timeout_s
        self._session = requests.Session()
        # TorchServe is a neighbour, which a proxy from the environment would not find.
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=POOL_SIZE)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def predict(self, image: bytes, model: str) -> Answer:
        """Send one image file and return the model's answer, with the frame that the network saw.

        Raises:
            Refused: The image cannot be read as a drawing.
            Busy: TorchServe cannot take another request now.
            Unreachable: There is no answer for another reason.
        """
        started = time.perf_counter()
        try:
            response = self._session.post(
                f"{self._inference_url}/predictions/{model}",
                data=image,
                headers={
                    "Content-Type": "application/octet-stream",
                    "X-Frame": "1",
                    # From this the handler knows how long a request waited for it.
                    "X-Request-Start": f"t={time.time():.3f}",
                },
                timeout=(CONNECT_TIMEOUT_S, self._timeout_s),
            )
        except requests.Timeout as error:
            raise Unreachable(f"The model did not answer within {self._timeout_s:g} seconds.") from error
        except requests.RequestException as error:
            raise Unreachable("The model cannot be reached.") from error
        latency_ms = 1000 * (time.perf_counter() - started)
        if response.status_code != requests.codes.ok:
            raise _error(response)
        return _answer(_json(response), response.headers.get("x-request-id", ""), latency_ms)

    def describe(self, model: str) -> ModelStatus:
        """Return version and readiness of a model's default version.

        Raises:
            Unreachable: The management API does not answer, or does not know the model.
        """
        try:
            url = f"{self._management_url}/models/{model}"
            response = self._session.get(url, timeout=MANAGEMENT_TIMEOUT_S)
        except requests.RequestException as error:
            raise Unreachable("TorchServe's management API cannot be reached.") from error
        if response.status_code != requests.codes.ok:
            raise Unreachable(f"TorchServe answers {response.status_code} about the model {model!r}.")
        try:
            description = _json(response)[0]
            ready = sum(worker["status"] == "READY" for worker in description["workers"])
            return ModelStatus(description["modelName"], description["modelVersion"], ready)
        except (LookupError, TypeError) as error:
            raise Unreachable("TorchServe's management API answers in an unknown form.") from error


def _answer(body: Any, request_id: str, latency_ms: float) -> Answer:
    try:
        return Answer(
            label=body["label"],
            confidence=float(body["confidence"]),
            probabilities={str(label): float(p) for label, p in body["probabilities"].items()},
            model=body["model"],
            version=body["version"],
            preprocessing=body["preprocessing"],
            frame=body.get("frame", ""),
            request_id=request_id,
            latency_ms=latency_ms,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable("The model answered in a form that this page does not know.") from error


def _error(response: requests.Response) -> PredictionError:
    """Return the error that fits a status other than 200."""
    if response.status_code == requests.codes.bad_request:
        body = _json(response)
        if isinstance(body, dict) and body.get("type") == "BadImage":
            return Refused(str(body.get("message")))
    if response.status_code == requests.codes.service_unavailable:
        return Busy("The model is busy or still starting.")
    if response.status_code == requests.codes.not_found:
        return Unreachable("The model is not loaded.")
    return Unreachable(f"The model could not answer (status {response.status_code}).")


def _json(response: requests.Response) -> Any:
    """Return the body's JSON, or None where it holds none."""
    try:
        return response.json()
    except requests.JSONDecodeError:
        return None
