"""What a folder's images look like: are they photographs, and how large a frame do they need?"""

import io
from contextlib import redirect_stderr
from pathlib import Path

import cv2
import numpy as np

from handler.bad_image import BadImage
from handler.framings import FRAMINGS, PHOTO, frame_shape
from handler.mending import decode_mended
from training.data.folder_layout import labelled_files

LOOKED_AT = 100  # images, spread over the whole folder
# A photograph has no even background: less than this share of it is like its corners, levels of 255.
BACKGROUND_SHARE, BACKGROUND_LEVELS = 0.3, 13
# And it is in colour, which so many of its pixels are whose channels are that far apart, or large.
COLOURED_SHARE, COLOURED_LEVELS = 0.1, 24
LARGE_PX = 64
# Frames that the network of this project is for, and from which size of pictures on.
SIDES_PX = ((96, 128), (64, 56), (32, 0))
CHOSEN = ("picture", *(f"{PHOTO}-{side_px}" for side_px, _ in SIDES_PX))  # what may come of looking
HINT = "ink, picture, photo, photo-N or photo-N-whole, where N is the side in pixels, 32 to 384"


def framing_name(text: str) -> str:
    """Return a framing's name as the command line has it; "photo" leaves the side to be chosen.

    Raises:
        ValueError: it is not one.
    """
    try:
        if text != PHOTO:
            frame_shape(text)
    except KeyError:
        raise ValueError(f"got the framing {text!r}, expected {HINT}") from None
    return text


def chosen_framing(folder: Path, wanted: str | None) -> str:
    """Return how a folder's images become frames; what was found by looking at them is said.

    Args:
        folder: `folder_layout` says what may be in it.
        wanted: a framing's name; "photo" for one of a side that fits; None to find out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it looks like a split and is none.
    """
    if wanted not in (None, PHOTO):
        return str(wanted)
    seen = [one for one in map(_look, _some(folder)) if one is not None]
    if not seen:  # whoever reads it all says so
        return "picture" if wanted is None else f"{PHOTO}-{SIDES_PX[0][0]}"
    photos = sum(photo for _, photo in seen)
    found = [f"{photos} of {len(seen)} images look like photographs"] if wanted is None else []
    others = tuple(FRAMINGS)
    if wanted is None and photos * 2 <= len(seen):
        framing, others = "picture", ("ink", PHOTO)
    else:
        side = int(np.median([side for side, _ in seen]))
        framing = f"{PHOTO}-{next(px for px, least in SIDES_PX if side >= least)}"
        found.append(f"half of them are at least {side} px")
    why = ", ".join(found)
    print(
        f"{folder.name}: framing {framing} ({why}; --framing {' or '.join(others)} chooses another)",
        flush=True,
    )
    return framing


def _some(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []  # whoever reads it says so
    with redirect_stderr(io.StringIO()):  # what is left out is said by whoever reads it all
        files = sorted(path for part in labelled_files(folder).values() for _, path in part)
    return files[:: max(1, len(files) // LOOKED_AT)][:LOOKED_AT]


def _look(path: Path) -> tuple[int, bool] | None:
    """Return an image's shorter side in pixels, whether it looks like a photograph; None: unreadable."""
    try:
        pixels, reduction = decode_mended(path.read_bytes())
    except (BadImage, OSError):
        return None
    side = min(pixels.shape[:2]) * reduction
    colours = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)[..., :3].astype(int)
    coloured = np.ptp(colours, axis=2) > COLOURED_LEVELS
    corners = np.median(colours[[0, 0, -1, -1], [0, -1, 0, -1]], axis=0)
    background = (np.abs(colours - corners).max(axis=2) < BACKGROUND_LEVELS).mean()
    return side, bool(background < BACKGROUND_SHARE and (coloured.mean() > COLOURED_SHARE or side > LARGE_PX))
