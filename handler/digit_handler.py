"""TorchServe's entry point: one batch of requests -> one answer each."""

import base64
import json
import logging
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handler import self_check, worker
from handler.bad_image import BadImage
from handler.explanation import explanation_answer
from handler.fingerprint import preprocessing_fingerprint
from handler.histograms import Histograms
from handler.model import Model, Reading
from handler.request import image_bytes

logger = logging.getLogger(__name__)

# A client that sends this header, with any value, gets the frame along with the answer. A query parameter
# would not do: TorchServe drops those of a request that has a body.
FRAME_HEADER = "x-frame"
# TorchServe sets this one itself on requests to /explanations.
EXPLAIN_HEADER = "explain"
# When the request began, "t=" and seconds since 1970, as proxies and the page send it: TorchServe does not
# tell a handler how long a request waited for it.
START_HEADER = "x-request-start"
# What is further off than this is a clock that goes wrong.
LONGEST_S = 60.0


class DigitHandler:
    """Reads images and names what is drawn on them.

    TorchServe makes one instance a worker, calls `initialize` once, then `handle` for every batch. It is
    not derived from `BaseHandler`, which imports every optional runtime that it finds before it starts.
    """

    def initialize(self, context: Any) -> None:
        """Load the network and its labels from the archive, and see that they answer as they should.

        Raises:
            RuntimeError: the archive is incomplete or does not fit together, or its golden pictures get
                other answers than when it was built.
        """
        folder = Path(context.system_properties["model_dir"])
        manifest = context.manifest["model"]
        # One thread a worker: there are several, and one's threads would take the cores from another.
        cv2.setNumThreads(1)
        self.model = Model(folder, manifest["serializedFile"], manifest["modelName"])
        self.identity = {
            "model": context.model_name,
            "version": manifest["modelVersion"],
            "preprocessing": preprocessing_fingerprint(framing=self.model.framing),
        }
        # This also compiles and runs everything once, so that no client waits for a first time.
        self_check.check(folder, self.model)
        self.histograms = Histograms(context)
        if worker.is_this_process():
            self.histograms.report_forever()
            worker.read_in_blocks()
            worker.print_less()
            worker.collect_less()
            worker.go_first_in_time()

    def handle(self, rows: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Give one answer for each request, JSON, in order; a bad one gets its own 400 and harms no other.

        Args:
            rows: a request's fields each, as TorchServe hands them over.
            context: TorchServe's; takes status codes.
        """
        arrived, started = time.time(), time.perf_counter()
        frames = self.preprocess(rows)
        good = {index: frame for index, frame in enumerate(frames) if isinstance(frame, np.ndarray)}
        preprocessed = time.perf_counter()
        readings = {}
        if good:
            readings = dict(zip(good, self.inference(np.stack(list(good.values()))), strict=True))
        inferred = time.perf_counter()
        answers, waited_s = [], []
        for index, frame in enumerate(frames):
            headers = {key.lower(): value for key, value in context.get_all_request_header(index).items()}
            context.set_response_content_type(index, "application/json")
            if isinstance(frame, BadImage):
                context.set_response_status(400, "Bad Request", index)
                answer = frame.answer()
            elif headers.get(EXPLAIN_HEADER) == "True":
                answer = self._explanation_or_error(rows[index], frame)
                if "code" in answer:
                    context.set_response_status(500, "Internal Server Error", index)
            else:
                answer = self.postprocess(readings[index], frame if FRAME_HEADER in headers else None)
            # TorchServe would write an object with indentation, in a fifth of a millisecond.
            answers.append(json.dumps(answer).encode())
            waited_s.append(_waited_s(headers, arrived))
        observe = self.histograms.observe
        observe("handler_batch_size", len(rows))
        observe("handler_preprocess_seconds", preprocessed - started)
        observe("handler_network_seconds", inferred - preprocessed)
        for seconds in waited_s:
            observe("handler_latency_seconds", seconds + time.perf_counter() - started)
        self.histograms.count_bad_images(len(rows) - len(good))
        return answers

    def preprocess(self, rows: list[dict[str, Any]]) -> list[np.ndarray | BadImage]:
        """Give each request's frame, uint8 (28, 28), 255 = ink, or the error that it earned."""
        return [self._frame_or_error(row) for row in rows]

    def inference(self, frames: np.ndarray) -> list[Reading]:
        """Give what the networks make of each frame, in one pass.

        Args:
            frames: uint8 (batch, 28, 28), 0 = paper .. 255 = ink.
        """
        return self.model.read(frames)

    def postprocess(self, reading: Reading, frame: np.ndarray | None) -> dict[str, Any]:
        """Give the answer's JSON object.

        Args:
            reading: what the networks made of it.
            frame: uint8 (28, 28) when the client asked to see it.
        """
        answer = {**self.model.answer(reading), **self.identity}
        if frame is not None:
            png = cv2.imencode(".png", frame)[1].tobytes()
            answer["frame"] = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        return answer

    def explain(self, payload: bytes, frame: np.ndarray) -> dict[str, Any]:
        """Give the answer to a request to /explanations: what mattered, and what would tip it.

        TorchServe takes a batch's answers all at once, so whatever shares the batch waits for this one too.
        The committed model takes some 25 ms of a core for a drawn digit: where all of a batch of 16 ask for
        an explanation, each of them waits 0.4 s.

        Args:
            payload: the image file.
            frame: uint8 (28, 28), what was made of it.
        """
        model = self.model
        found = explanation_answer(payload, frame, model.probabilities, model.label_names, model.framing)
        return {**found, **self.identity}

    def _frame_or_error(self, row: dict[str, Any]) -> np.ndarray | BadImage:
        try:
            return self.model.frame(image_bytes(row))
        except BadImage as error:
            return error
        except Exception:
            # Nothing here is known to raise anything else, but one request must never take its batch along.
            # The traceback goes to the log, without the payload.
            logger.exception("preprocessing failed on an input")
            return BadImage("The image could not be processed: send it as a PNG or JPEG of usual size.")

    def _explanation_or_error(self, row: dict[str, Any], frame: np.ndarray) -> dict[str, Any]:
        try:
            return self.explain(image_bytes(row), frame)
        except Exception:
            logger.exception("an explanation failed")
            message = "The answer could not be explained; the model's log says more. /predictions answers it."
            return {"code": 500, "type": "ExplanationFailed", "message": message}


def _waited_s(headers: dict[str, Any], arrived: float) -> float:
    """Give how long a request had waited when it arrived here, seconds; 0 where nobody said when it began."""
    sent = headers.get(START_HEADER)
    if not isinstance(sent, str):
        return 0.0
    try:
        waited_s = arrived - float(sent.removeprefix("t="))
    except ValueError:
        return 0.0
    return waited_s if 0 <= waited_s <= LONGEST_S else 0.0
