"""TorchServe's entry point: one batch of requests -> one answer each."""

import base64
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handler import exporter, likeliest, provider, self_check, worker
from handler.bad_image import Busy
from handler.explanation import explain, explanation_answer
from handler.fingerprint import preprocessing_fingerprint
from handler.framer import Framer, Result
from handler.framings import is_photo
from handler.metrics import Metrics
from handler.model import Framed, Model, Reading
from handler.occlusion import explain_photo

logger = logging.getLogger(__name__)

# A client that sends this header, with any value, gets the frame along with the answer. A query parameter
# would not do: TorchServe drops those of a request that has a body.
FRAME_HEADER = "x-frame"
# TorchServe sets this one itself on requests to /explanations.
EXPLAIN_HEADER = "explain"
# No batch takes more than a tenth of the time after which TorchServe kills a worker that has not answered,
BATCH_SHARE, USUAL_TIMEOUT_S = 0.1, 30.0
# nor more than this, seconds: who comes while one is read, and is in the next, has an answer within the 5 s
# that the page waits (ANSWER_TIMEOUT_S).
LONGEST_BATCH_S = 2.25
# What an explanation takes, until one has been measured.
EXPLANATION_S = 0.05
PHRASES: dict[object, str] = {400: "Bad Request", 500: "Internal Server Error", 503: "Service Unavailable"}
# When the request began, "t=" and seconds since 1970, as proxies and the page send it: TorchServe does not
# tell a handler how long a request waited for it.
START_HEADER = "x-request-start"
# What is further off than this is a clock that goes wrong.
LONGEST_S = 60.0
# What a request is called on its way through proxy, page and here; other names are not repeated in a log.
ID_HEADER, ID = "x-request-id", re.compile(r"[A-Za-z0-9._-]{1,64}")


class DigitHandler:
    """Reads images and names what is drawn on them.

    TorchServe makes one instance a worker, calls `initialize` once, then `handle` for every batch. It is
    not derived from `BaseHandler`, which imports every optional runtime that it finds before it starts.
    """

    def initialize(self, context: Any) -> None:
        """Load the network and its labels from the archive, and see that they answer as they should.

        Raises:
            RuntimeError: the archive is incomplete or does not fit together, its golden pictures get other
                answers than when it was built, or the provider that it asks for cannot be had.
        """
        folder = Path(context.system_properties["model_dir"])
        manifest = context.manifest["model"]
        # One thread a worker: there are several, and one's threads would take the cores from another.
        cv2.setNumThreads(1)
        settings = getattr(context, "model_yaml_config", None)
        self.model = Model(
            folder, manifest["serializedFile"], manifest["modelName"], provider.asked_for(settings)
        )
        self.framer = Framer(self.model)
        self.explanation_s = EXPLANATION_S
        self.batch_s = batch_s(settings)
        self.identity = {
            "model": context.model_name,
            "version": manifest["modelVersion"],
            "preprocessing": preprocessing_fingerprint(framing=self.model.framing),
        }
        # This also compiles and runs everything once, so that no client waits for a first time.
        self_check.check(folder, self.model)
        is_worker = worker.is_this_process()
        # Held as long as the worker lives; others may take it then.
        self.seat = exporter.join() if is_worker else None
        self.metrics = Metrics(context.model_name, manifest["modelVersion"], self.model.label_names)
        if is_worker:
            worker.read_in_blocks()
            worker.parse_little()
            worker.print_less()
            worker.collect_less()
            worker.go_first_in_time()

    def handle(self, rows: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Return one answer for each request, JSON, in order; a bad one gets its own 400 and harms no other.

        Args:
            rows: a request's fields each, as TorchServe hands them over.
            context: TorchServe's; takes status codes.
        """
        arrived, started = time.time(), time.perf_counter()
        headers = [
            {key.lower(): value for key, value in context.get_all_request_header(index).items()}
            for index in range(len(rows))
        ]
        read = time.perf_counter()
        ends = read + self.batch_s
        made = self.preprocess(rows, headers)
        good = {index: framed.frame for index, framed in enumerate(made) if isinstance(framed, Framed)}
        preprocessed = time.perf_counter()
        readings = {}
        if good:
            readings = dict(zip(good, self.inference(np.stack(list(good.values()))), strict=True))
        inferred = time.perf_counter()
        answers, predictions, types = [], [], []
        for index, framed in enumerate(made):
            context.set_response_content_type(index, "application/json")
            if not isinstance(framed, Framed):
                answer = framed.answer()
            elif _is_explained(headers[index]):
                answer = self._explanation_or_error(framed, headers[index], ends)
            else:
                answer = self._prediction_or_error(framed, readings[index], headers[index])
                if "label" in answer:
                    predictions.append(answer)
            if code := answer.get("code"):
                types.append(answer["type"])
                context.set_response_status(code, PHRASES[code], index)
            if code == 503:
                context.set_response_header(index, "retry-after", "1")
            # TorchServe would write an object with indentation, in a fifth of a millisecond.
            answers.append(json.dumps(answer).encode())
        took_s = time.perf_counter() - started
        self.metrics.observe_batch(
            preprocess_s=preprocessed - read,
            network_s=inferred - preprocessed,
            latencies_s=[_waited_s(sent, arrived) + took_s for sent in headers],
            predictions=predictions,
            bad_images=types.count("BadImage"),
            busy=types.count("Busy"),
        )
        return answers

    def preprocess(
        self, rows: list[dict[str, Any]], headers: Sequence[Mapping[str, Any]] | None = None
    ) -> list[Result]:
        """Return each request's frame with its place, or the error that it earned.

        Args:
            rows: a request's fields each.
            headers: a request's each, names in small letters; None where there are none.
        """
        headers = headers or [{}] * len(rows)
        # Explanations come later, in the same time.
        for_explanations_s = self.explanation_s * sum(map(_is_explained, headers))
        ends = time.perf_counter() + max(self.batch_s - for_explanations_s, self.batch_s / 2)
        return self.framer.batch(rows, [_named(sent) for sent in headers], ends)

    def inference(self, frames: np.ndarray) -> list[Reading]:
        """Return what the networks make of each frame, in one pass.

        Args:
            frames: uint8 (batch, *shape of the model's frames).
        """
        return self.model.read(frames)

    def postprocess(
        self, reading: Reading, frame: np.ndarray | None, top: int | None = None
    ) -> dict[str, Any]:
        """Return the answer's JSON object.

        Args:
            reading: what the networks made of it.
            frame: uint8 of the model's shape when the client asked to see it.
            top: of how many labels the client asked to have probabilities, the likeliest ones.
        """
        answer = {**self.model.answer(reading, top), **self.identity}
        if frame is not None:
            # OpenCV writes blue first.
            png = cv2.imencode(".png", frame if frame.ndim == 2 else frame[..., ::-1])[1].tobytes()
            answer["frame"] = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        return answer

    def explain(self, framed: Framed) -> dict[str, Any]:
        """Return the answer to a request to /explanations: what mattered, and what would tip it.

        TorchServe takes a batch's answers all at once, so whatever shares the batch waits for this one too.
        The committed model takes some 25 ms of a core for a drawn digit: where all of a batch of 16 ask for
        an explanation, each of them waits 0.4 s.
        """
        model = self.model
        explained = explain_photo if is_photo(model.framing) else explain
        found = explained(framed.frame, model.probabilities)
        return {**explanation_answer(found, framed.place(), model.label_names), **self.identity}

    def _prediction_or_error(
        self, framed: Framed, reading: Reading, headers: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            top = likeliest.asked_for(headers)
        except likeliest.BadTop as error:
            return error.answer()
        return self.postprocess(reading, framed.frame if FRAME_HEADER in headers else None, top)

    def _explanation_or_error(
        self, framed: Framed, headers: Mapping[str, Any], ends: float
    ) -> dict[str, Any]:
        started = time.perf_counter()
        if started + self.explanation_s > ends:
            return Busy().answer()
        try:
            return self.explain(framed)
        except Exception:
            logger.exception("an explanation failed for %s", _named(headers))
            message = (
                "The answer could not be explained; the model's log says more. /predictions still answers it."
            )
            return {"code": 500, "type": "ExplanationFailed", "message": message}
        finally:
            # No slower than a quarter of a batch's time, or none would be begun again.
            self.explanation_s = min(time.perf_counter() - started, self.batch_s / 4)


def batch_s(settings: Mapping[str, Any] | None) -> float:
    """Return how long a batch may take, seconds; `settings` are those of the archive's model-config.yaml."""
    return min(BATCH_SHARE * float((settings or {}).get("responseTimeout", USUAL_TIMEOUT_S)), LONGEST_BATCH_S)


def _is_explained(headers: Mapping[str, Any]) -> bool:
    """Tell whether a request asks for an explanation."""
    return headers.get(EXPLAIN_HEADER) == "True"


def _named(headers: Mapping[str, Any]) -> str:
    """Return what the log calls a request."""
    name = headers.get(ID_HEADER)
    return f"request {name}" if isinstance(name, str) and ID.fullmatch(name) else "a request without an id"


def _waited_s(headers: Mapping[str, Any], arrived: float) -> float:
    """Return how long a request had waited when it arrived here, seconds; 0 where nobody said since when."""
    sent = headers.get(START_HEADER)
    if not isinstance(sent, str):
        return 0.0
    try:
        waited_s = arrived - float(sent.removeprefix("t="))
    except ValueError:
        return 0.0
    return waited_s if 0 <= waited_s <= LONGEST_S else 0.0
