"""Real handwritten characters of many alphabets, from a zip archive of Omniglot's.

Source: Lake, Salakhutdinov and Tenenbaum 2015, "Human-level concept learning through probabilistic program
induction", doi:10.1126/science.aab3050; https://github.com/brendenlake/omniglot, MIT licence. Each character
was drawn once by each of twenty people.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

# Two parts of it, which share the alphabets Greek and Latin.
FILE = "omniglot_images_background_small1.zip"
OTHER_FILE = "omniglot_images_background_small2.zip"


@dataclass(frozen=True)
class Character:
    """One drawing of a character.

    Attributes:
        alphabet: as its folder is called, such as "Greek".
        number: of the character in its alphabet, from 1.
        drawer: who drew it, from 1.
        ink: uint8 (height, width), 255 = ink.
    """

    alphabet: str
    number: int
    drawer: int
    ink: np.ndarray


def url(file: str) -> str:
    """Return where a file of this name is to be had."""
    return f"https://github.com/brendenlake/omniglot/raw/master/python/{file.removeprefix('omniglot_')}"


def characters(path: Path) -> list[Character]:
    """Return every drawing in the archive, in the order of alphabet, character and drawer.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a zip archive of characters.
    """
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith(".png"):
                    continue
                # <archive>/<alphabet>/character<number>/<anything>_<drawer>.png
                alphabet, character, file = PurePosixPath(name).parts[-3:]
                number, drawer = int(character.removeprefix("character")), int(file[:-4].split("_")[1])
                gray = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
                found.append(Character(alphabet, number, drawer, 255 - np.asarray(gray, np.uint8)))
    except (zipfile.BadZipFile, ValueError, IndexError, TypeError, cv2.error) as error:
        raise ValueError(
            f"{path} is not an archive of Omniglot's characters ({error}): get {url(path.name)}."
        ) from None
    if not found:
        raise ValueError(f"{path} has no characters: get {url(path.name)}.")
    return found
