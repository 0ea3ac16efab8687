"""Whatever Chromium shows of a corpus of odd files, predictions read with the same pixels, or say why not."""

import base64
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from handler.bad_image import BadImage
from handler.mending import decode_mended
from tests.e2e.modules import blank_page
from tests.handler.odd.files import FILES

pytestmark = [pytest.mark.integration, pytest.mark.browser]

# Chromium shows the beginning and leaves the rest blank: a part of a digit is another digit.
CUT = "truncated or corrupt"
REFUSED = {
    "PNG: half of the file": CUT,
    "JPEG: half of the file": CUT,
    "JPEG: last bytes missing": CUT,
    "GIF: half of the file": CUT,
    "WebP: half of the file": CUT,
    "BMP: half of the file": CUT,
    "ICO: plain": "an icon (ICO)",
}
# What is shown otherwise on purpose.
OTHERWISE = {
    "PNG: 12 of 16 bits filled": "the levels that there are span the range: Chromium shows it nearly black",
    "PNG: palette shorter than its indices": "what the palette does not have is black, not another's colour",
    "JPEG: no end": "all is read that is there: Chromium leaves the last lines out",
    "WebP: turned, 3": "EXIF says so: Chromium looks at it in JPEG and PNG alone",
    "WebP: turned, 6": "the same",
    "WebP: turned, with an odd EXIF entry": "the same",
    "WebP: length too large": "nothing of the picture is missing: Chromium waits for more",
    "GIF: frame smaller than its screen": "around it lies the first colour: in Chromium, nothing does",
}
NO_ALPHA = ("BGRA", "RGBA", "4444", "1555")
OTHERWISE |= {
    name: "programs leave noughts where they have no alpha: in Chromium, nothing is seen"
    for name in FILES
    if name.startswith("BMP") and name.split()[1].strip(",") in NO_ALPHA and name.endswith("alpha 0")
}
# One bit has nought for a half, too.
OTHERWISE |= {f"BMP: 1555, V{version}, alpha 128": "the same" for version in (4, 5)}
# Of 255, on the mean of all pixels and at the worst: rounding, CMYK without a profile, and AVIF's alpha.
MEAN, WORST = 4.0, 24
SHOWN = """async (files) => {
  const shown = {};
  for (const [name, content] of Object.entries(files)) {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const image = document.createElement("img");
    const ended = new Promise((resolve) => { image.onload = image.onerror = ({ type }) => resolve(type); });
    image.src = URL.createObjectURL(new Blob([bytes]));
    if ((await ended) === "error") {
      shown[name] = null;
      continue;
    }
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (const value of data) text += String.fromCharCode(value);
    shown[name] = [canvas.width, canvas.height, btoa(text)];
  }
  return shown;
}"""


@pytest.fixture(scope="module")
def blank(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


@pytest.fixture(scope="module")
def shown(blank: Page) -> dict[str, np.ndarray | None]:
    """What Chromium shows of each file: uint8 (height, width, 4), None where it shows nothing."""
    files = {name: base64.b64encode(file).decode() for name, file in FILES.items()}
    found = blank.evaluate(SHOWN, files)
    return {
        name: None
        if one is None
        else np.frombuffer(base64.b64decode(one[2]), np.uint8).reshape(one[1], one[0], 4)
        for name, one in found.items()
    }


def read(file: bytes) -> np.ndarray | str:
    """Return a file's pixels as predictions see them, or why they see none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow says what it thinks of remarks
        try:
            return decode_mended(file)[0]
        except BadImage as error:
            return str(error)


def laid_on_grey(pixels: np.ndarray) -> np.ndarray:
    """Return what is seen of straight RGBA on grey: what lies below transparency is nobody's."""
    share = pixels[..., 3:] / 255
    return pixels[..., :3] * share + 128 * (1 - share)


def is_near(here: np.ndarray, there: np.ndarray) -> bool:
    difference = np.abs(here - there)
    return bool(difference.mean() <= MEAN and difference.max() <= WORST)


@pytest.mark.parametrize("name", FILES)
def test_what_chromium_shows_is_read_alike_or_refused_in_words(
    shown: dict[str, np.ndarray | None], name: str
) -> None:
    there, here = shown[name], read(FILES[name])
    if name in REFUSED:
        assert isinstance(here, str) and REFUSED[name] in here
        return
    if there is None:
        return
    assert not isinstance(here, str), here
    is_alike = here.shape == there.shape and is_near(laid_on_grey(here), laid_on_grey(there))
    assert is_alike is (name not in OTHERWISE)


def test_most_of_the_corpus_is_shown(shown: dict[str, np.ndarray | None]) -> None:
    """Where Chromium shows nothing, nothing is compared."""
    none = {name for name, one in shown.items() if one is None and not name.startswith("TIFF")}
    assert len(none) < 0.1 * len(FILES), none
