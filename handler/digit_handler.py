"""TorchServe's entry point: one batch of requests -> one answer each."""

import base64
import json
import logging
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from handler import self_check, worker
from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of
from handler.histograms import Histograms
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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.network = onnxruntime.InferenceSession(
            folder / manifest["serializedFile"], options, providers=["CPUExecutionProvider"]
        )
        names = json.loads((folder / "index_to_name.json").read_text(encoding="utf-8"))
        self.label_names = [names[str(index)] for index in range(len(names))]
        outputs = self.network.get_outputs()[0].shape[-1]
        if outputs != len(self.label_names):
            raise RuntimeError(
                f"The archive's network has {outputs} outputs, its index_to_name.json "
                f"{len(self.label_names)} labels: build it again with `make archive`."
            )
        self.identity = {
            "model": context.model_name,
            "version": manifest["modelVersion"],
            "preprocessing": preprocessing_fingerprint(),
        }
        # This also compiles and runs everything once, so that no client waits for a first time.
        self_check.check(folder, self.label_names, self.inference)
        self.histograms = Histograms(context)
        if worker.is_this_process():
            self.histograms.report_forever()
            worker.read_in_blocks()
            worker.print_less()
            worker.collect_less()

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
        probabilities = {}
        if good:
            probabilities = dict(zip(good, self.inference(np.stack(list(good.values()))), strict=True))
        inferred = time.perf_counter()
        answers, waited_s = [], []
        for index, frame in enumerate(frames):
            headers = {key.lower(): value for key, value in context.get_all_request_header(index).items()}
            context.set_response_content_type(index, "application/json")
            if isinstance(frame, BadImage):
                context.set_response_status(400, "Bad Request", index)
                answer = frame.answer()
            elif headers.get(EXPLAIN_HEADER) == "True":
                context.set_response_status(501, "Not Implemented", index)
                answer = self.explain()
            else:
                answer = self.postprocess(probabilities[index], frame if FRAME_HEADER in headers else None)
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

    def inference(self, frames: np.ndarray) -> np.ndarray:
        """Give calibrated probabilities in one pass: float32 (batch, labels), rows sum to 1.

        Args:
            frames: uint8 (batch, 28, 28), 0 = paper .. 255 = ink.
        """
        return self.network.run(None, {"frames": frames})[0]

    def postprocess(self, probabilities: np.ndarray, frame: np.ndarray | None) -> dict[str, Any]:
        """Give the answer's JSON object.

        Args:
            probabilities: float32 (labels,), sums to 1.
            frame: uint8 (28, 28) when the client asked to see it.
        """
        best = int(probabilities.argmax())
        answer: dict[str, Any] = {
            "label": self.label_names[best],
            "confidence": round(float(probabilities[best]), 6),
            "probabilities": {
                name: round(float(p), 6) for name, p in zip(self.label_names, probabilities, strict=True)
            },
            **self.identity,
        }
        if frame is not None:
            png = cv2.imencode(".png", frame)[1].tobytes()
            answer["frame"] = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        return answer

    def explain(self) -> dict[str, Any]:
        """Give the answer to a request for an explanation: that this model has none."""
        return {
            "code": 501,
            "type": "NotImplemented",
            "message": "This model explains nothing yet: send the request to /predictions.",
        }

    @staticmethod
    def _frame_or_error(row: dict[str, Any]) -> np.ndarray | BadImage:
        try:
            return frame_of(image_bytes(row))
        except BadImage as error:
            return error
        except Exception:
            # Nothing here is known to raise anything else, but one request must never take its batch along.
            # The traceback goes to the log, without the payload.
            logger.exception("preprocessing failed on an input")
            return BadImage("The image could not be processed: send it as a PNG or JPEG of usual size.")


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
