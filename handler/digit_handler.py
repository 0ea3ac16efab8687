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
from ts.metrics.metric_type_enum import MetricTypes

from handler import self_check
from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of
from handler.request import image_bytes

logger = logging.getLogger(__name__)

# A client that sends this header, with any value, gets the frame along with the answer. A query parameter
# would not do: TorchServe drops those of a request that has a body.
FRAME_HEADER = "x-frame"
# TorchServe sets this one itself on requests to /explanations.
EXPLAIN_HEADER = "explain"


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
        # This also runs everything once, so that no client waits for a first time.
        self_check.check(folder, self.label_names, self.inference)

    def handle(self, rows: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
        """Give one answer for each request, in order; a bad one gets its own 400 and harms no other.

        Args:
            rows: a request's fields each, as TorchServe hands them over.
            context: TorchServe's; takes status codes and metrics.
        """
        started = time.perf_counter()
        frames = self.preprocess(rows)
        good = {index: frame for index, frame in enumerate(frames) if isinstance(frame, np.ndarray)}
        preprocessed = time.perf_counter()
        probabilities = {}
        if good:
            probabilities = dict(zip(good, self.inference(np.stack(list(good.values()))), strict=True))
        inferred = time.perf_counter()
        answers = []
        for index, frame in enumerate(frames):
            context.set_response_content_type(index, "application/json")
            if isinstance(frame, BadImage):
                context.set_response_status(400, "Bad Request", index)
                answers.append(frame.answer())
            elif _header(context, index, EXPLAIN_HEADER) == "True":
                context.set_response_status(501, "Not Implemented", index)
                answers.append(self.explain())
            else:
                wanted = _header(context, index, FRAME_HEADER) is not None
                answers.append(self.postprocess(probabilities[index], frame if wanted else None))
        self._observe(
            context, len(rows), len(rows) - len(good), preprocessed - started, inferred - preprocessed
        )
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

    @staticmethod
    def _observe(context: Any, batch: int, refused: int, preprocess_s: float, inference_s: float) -> None:
        """Report the batch to Prometheus: each value is a line that Java parses, so not once an image."""
        amounts = {"handler_batches": 1, "handler_requests": batch, "handler_bad_images": refused}
        times = {"handler_preprocess_seconds": preprocess_s, "handler_network_seconds": inference_s}
        for kind, values in ((MetricTypes.COUNTER, amounts), (MetricTypes.HISTOGRAM, times)):
            for name, value in values.items():
                if value:
                    metric = context.metrics.get_metric(name, kind)
                    metric.add_or_update(value, [context.model_name, "Model"])


def _header(context: Any, index: int, name: str) -> str | None:
    """Give a request's header, whatever the case of its name: proxies change that."""
    for key, value in context.get_all_request_header(index).items():
        if key.lower() == name and isinstance(value, str):
            return value
    return None
