"""A batch's requests -> frames, each within its share of the time that a batch has."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from handler.aside import Aside, TookTooLong
from handler.bad_image import BadImage, Busy, too_costly
from handler.framings import is_photo
from handler.model import Framed, Model
from handler.png import read_png
from handler.request import image_bytes

logger = logging.getLogger(__name__)

# What reading a picture may take, seconds of CPU time, making its bytes of text included. With what comes
# after, and a new process where the last one had to be ended, that is less than 0.3 s.
PICTURE_S = 0.22
# Plain PNG files of at most this size and side take less than a fifth of that, whatever is in them.
SMALL_BYTES, SMALL_SIDE_PX = 1 << 18, 1024
# The chunk of a PNG file that says what its colours are: photographs heed it, and nobody knows what it costs.
PROFILE = b"iCCP"
Result = Framed | BadImage | Busy


class Framer:
    """Frames pictures: small drawings here, and what is not known to be cheap in a process aside.

    Args:
        model: says how.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._aside = Aside(model.framed)

    def batch(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], ends: float) -> list[Result]:
        """Return each request's frame with its place, or the error that it earned.

        Each picture may take what is left divided by those that are left. So none is refused for another's
        sake that takes no more than that, and what one leaves over is there for the next.

        Args:
            rows: a request's fields each.
            names: what the log calls each.
            ends: when the batch's time is over, on the clock of time.perf_counter.
        """
        made: dict[int, Result] = {}
        images: dict[int, bytes] = {}
        may_take_s: dict[int, float] = {}
        for index, row in enumerate(rows):
            began = time.process_time()
            try:
                images[index] = image_bytes(row)
            except BadImage as error:
                made[index] = error
            may_take_s[index] = PICTURE_S - (time.process_time() - began)
        # Small files first, since these mostly leave something over.
        order = sorted(images, key=lambda index: len(images[index]))
        for before, index in enumerate(order):
            pictures = len(order) - before
            made[index] = self._framed_or_error(
                images[index], ends, may_take_s[index], pictures, names[index]
            )
        return [made[index] for index in range(len(rows))]

    def _framed_or_error(
        self, payload: bytes, ends: float, may_take_s: float, pictures: int, name: str
    ) -> Result:
        """Return what becomes of an image file, where so many are left, this one included."""
        try:
            if len(payload) <= SMALL_BYTES and not (PROFILE in payload and is_photo(self._model.framing)):
                pixels = read_png(payload, SMALL_SIDE_PX)
                if pixels is not None:
                    return self._model.framed_pixels(pixels)
            left_s = ends - time.perf_counter()
            try:
                return self._aside.framed(payload, min(left_s / pictures, may_take_s), left_s)
            except TookTooLong:
                return too_costly() if left_s / pictures >= may_take_s else Busy()
        except (BadImage, Busy) as error:
            return error
        except Exception:
            # Nothing here is known to raise anything else, but one request must never take its batch along.
            # The traceback goes to the log, without the payload.
            logger.exception("preprocessing failed on the input of %s", name)
            return BadImage("The image could not be processed: send it as a PNG or JPEG of usual size.")
