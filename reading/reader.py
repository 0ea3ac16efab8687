"""A number's bytes -> the number: its pieces are found, asked for all at once, and put together."""

import time
from concurrent.futures import ThreadPoolExecutor

from client.answers import Answer
from client.errors import Busy, Refused
from client.inference import Inference
from reading.finder import Finder
from reading.number import Number, number_of

# So many pieces are asked for at once, of all of a reader's numbers: TorchServe's batches hold as many.
AT_ONCE = 16


class Reader:
    """Reads numbers; may be used by many threads.

    Args:
        inference: TorchServe's inference API.
        finder: finds the pieces; several readers may share one, and each has threads of its own to ask with.
    """

    def __init__(self, inference: Inference, finder: Finder | None = None) -> None:
        self._inference = inference
        self._finder = finder or Finder()
        self._threads = ThreadPoolExecutor(AT_ONCE, "pieces")

    def read(
        self,
        payload: bytes,
        model: str,
        request_id: str = "",
        until: float | None = None,
        inference: Inference | None = None,
    ) -> Number:
        """Return the number on a picture, or that strokes write.

        Args:
            payload: an image as predictions take it, or strokes as JSON.
            model: the model's name, or name/version, as they stand in a URL.
            request_id: for TorchServe's log.
            until: when whoever asks gives up, by time.monotonic(); None where they wait for any answer.
            inference: what is asked instead of the reader's own.

        Raises:
            NoNumber: there is no number; its message says why.
            Busy: the last piece had no answer in time.
            PredictionError: as `Inference.predict` does, but for Refused.
        """
        pieces = self._finder.pieces(payload)

        def ask(png: bytes) -> Answer | None:
            try:
                return (inference or self._inference).predict(png, model, request_id)
            except Refused:
                return None

        asked = [self._threads.submit(ask, piece.png) for piece in pieces]
        try:
            answers = [
                one.result(None if until is None else max(0.0, until - time.monotonic())) for one in asked
            ]
        except TimeoutError:
            raise Busy("The number was not read in time: the model is too busy.") from None
        finally:
            for one in asked:
                one.cancel()  # where one had no answer, nobody waits for the others
        return number_of(pieces, answers)

    def close(self) -> None:
        """End the process beside."""
        self._finder.close()
        self._threads.shutdown(cancel_futures=True)
