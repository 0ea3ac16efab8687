"""Digits drawn from ten polylines, as a person would with a pen: no data set is needed."""

import io

from PIL import Image, ImageDraw

SIDE_PX = 280
# Strokes on a grid of 0..100, y downwards.
STROKES: dict[str, list[list[tuple[int, int]]]] = {
    "0": [[(54, 12), (34, 18), (24, 46), (30, 78), (50, 88), (66, 82), (77, 54), (72, 26), (48, 10)]],
    "1": [[(43, 24), (54, 10), (50, 90)]],
    "2": [[(28, 28), (38, 14), (58, 12), (70, 26), (66, 44), (44, 66), (26, 86), (76, 86)]],
    "3": [[(28, 16), (50, 10), (70, 22), (66, 40), (46, 48), (70, 58), (74, 76), (54, 90), (26, 82)]],
    "4": [[(60, 10), (24, 60), (80, 60)], [(60, 10), (60, 92)]],
    "5": [[(72, 12), (34, 12), (30, 46), (54, 42), (72, 56), (70, 78), (50, 90), (26, 82)]],
    "6": [[(64, 10), (42, 26), (28, 56), (32, 82), (52, 90), (70, 78), (66, 58), (48, 52), (30, 64)]],
    "7": [[(24, 14), (76, 14), (46, 90)]],
    "8": [[(50, 48), (32, 34), (36, 14), (64, 14), (68, 34), (50, 48), (28, 66), (34, 88), (66, 88), (72, 66),
           (50, 48)]],
    "9": [[(70, 34), (54, 48), (34, 42), (32, 20), (52, 10), (70, 22), (70, 34), (66, 62), (56, 90)]],
}  # fmt: skip


def drawing(
    digit: str,
    *,
    side_px: int = SIDE_PX,
    pen_px: float = 18,
    pen: tuple[int, ...] = (0, 0, 0),
    paper: tuple[int, ...] = (255, 255, 255),
    box: tuple[float, float, float] = (0.1, 0.1, 0.8),
) -> Image.Image:
    """Return a picture of a digit, "RGB" or, when the colours have four values, "RGBA".

    Args:
        digit: a key of STROKES.
        side_px: width and height.
        pen_px: the pen's width.
        pen: its colour.
        paper: the colour below.
        box: left, top and size of the digit's grid, as shares of the side.
    """
    factor = 4  # drawn larger and averaged down, which softens the edges as a canvas does
    image = Image.new("RGB" if len(paper) == 3 else "RGBA", (side_px * factor, side_px * factor), paper)
    brush = ImageDraw.Draw(image)
    left, top, size = (share * side_px * factor for share in box)
    width = pen_px * factor
    for stroke in STROKES[digit]:
        points = [(left + x / 100 * size, top + y / 100 * size) for x, y in stroke]
        brush.line(points, fill=pen, width=round(width), joint="curve")
        for x, y in points:
            brush.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=pen)
    return image.resize((side_px, side_px), Image.Resampling.BOX)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(digit: str, **options: object) -> bytes:
    """Return the PNG file of a drawn digit; the options are those of `drawing`."""
    return encoded(drawing(digit, **options))  # type: ignore[arg-type]
