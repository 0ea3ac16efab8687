"""Whether marks on paper can be nothing but a drawing, so that nobody has to tell writing from the rest."""

import cv2
import numpy as np

from handler.marks import AROUND, Box, box_of

# What is wider than a stroke is a shadow, a sheet or a blot: from its edge to its middle, as a share of the
# longer side of what differs from the paper. Bold MNIST digits reach 0.25, as sheets twice as long as wide
# do: strokes may be as wide where a picture is too small for a sheet. Fewer cells do not tell.
WIDEST_STROKE, WIDEST_DIGIT, FEWEST_CELLS = 0.14, 0.26, 16
# On smaller pictures lines and strokes look alike, and nobody has more than a drawing.
LEAST_SIDE_PX = 40
# What fills a mark differs in colour by less than this. Not counted: so many cells at its edge, where its
# outline may be, and beside its hull. What of the hull is empty, more than this, are holes; so is what is
# longer than this share of the hull: on a large sheet a small digit is a thousandth.
UNEVEN, OUTLINE_CELLS, SOFT_CELLS, HOLE_SHARE, HOLE_LENGTH = 0.15, 4, 2, 0.01, 0.06
# Grain leaves gaps in a sheet that hardly differs from what is around it, as narrow as those between strokes;
# but of its box it has more than strokes have.
GRAINY_SHARE = 0.65
# A box or a circle with something in it: how much of its convex hull its outline has, and how much of the ink
# lies how deep within. A zero is a ring alone; the middle of an eight is deep, and its outline has a waist.
# With more ink than this share of the hull, it is a blot.
HULL_SHARE, DEEP_SHARE, DEPTH, SOLID_SHARE, MIDDLE = 0.93, 0.05, 0.6, 0.75, (0.35, 0.5, 0.65)
# A line of a cell or of a frame: within so many cells of the marks' edge, which it fills to such a share; how
# far from the border and how long it is, of the picture's side. So many cells from the edge, what is beside
# it is not as high or not as wide as this.
EDGE_CELLS, FILLED_SHARE, BORDER_SHARE, LINE_SHARE = 3, 0.6, 0.04, 0.5
REST_CELLS, REST_SHARE = 8, 0.5
# How often the border of a picture cuts a drawing, at most: a three that was cut out closely, six times.
MOST_CUTS = 6
# And how much of the picture's height and width it then has.
FULL_SHARE = 0.75


def are_strokes(different: np.ndarray, widest: float) -> bool:
    """Tell whether what differs from the paper is narrow as strokes are.

    Args:
        different: uint8 (rows, columns), 0 or 1.
        widest: WIDEST_STROKE, or WIDEST_DIGIT where it can be no sheet.
    """
    _, _, width, height = cv2.boundingRect(different)
    if max(width, height) < FEWEST_CELLS:
        return True
    return bool(cv2.distanceTransform(different, cv2.DIST_L2, 3).max() <= widest * max(width, height))


def is_one_drawing(
    marks: np.ndarray, count: int, box: Box, shape: tuple[int, ...], colours: np.ndarray | None = None
) -> bool:
    """Tell whether marks can be nothing but a drawing: inside, leaving the picture once, or cut closely.

    What was cut out closely reaches top and bottom, and fills the picture. Lines, and what is beside a sheet,
    are marks of their own, do not fill the picture, or meet its border many times; where they touch the
    drawing, they go along the border, or around it. A sheet is wide, and has something on it.

    Args:
        marks: bool (rows, columns), a map of a part of the picture.
        count: how many there are.
        box: that part.
        shape: height and width of the picture.
        colours: float32 (rows, columns, channels), 0..1, what that part looks like, if that is known.
    """
    cells = marks.view(np.uint8)
    solid = _without_gaps(cells)
    is_pen = are_strokes(solid, WIDEST_STROKE) or _is_filled(solid, colours)
    if not is_pen or _is_framed(cells):
        return False
    top, bottom, left, right = place = _place(marks, box, shape)
    if _is_lined(marks, place):
        return False
    edges = (marks[0], marks[-1], marks[:, 0], marks[:, -1])
    at_border = (box[0] == 0, box[1] == shape[0], box[2] == 0, box[3] == shape[1])
    cuts = [
        is_at * (int(edge[0]) + np.count_nonzero(edge[1:] > edge[:-1]))
        for is_at, edge in zip(at_border, edges, strict=True)
    ]
    if not any(cuts):
        return True
    if count > 1 or sum(cuts) > MOST_CUTS:
        return False
    is_cut_closely = cuts[0] > 0 < cuts[1] and min(bottom - top, right - left) >= FULL_SHARE
    if sum(cuts) == 1 or is_cut_closely:
        return True
    # Desks and shadows are not of one colour with sharp edges: what has no colours is on an even sheet.
    return colours is None and _is_cut_by_chance(
        cells,
        cuts,  # type: ignore[arg-type]  # NumPy's integers
        max(bottom - top, right - left),
    )


def _is_cut_by_chance(cells: np.ndarray, cuts: list[int], longer: float) -> bool:
    """Tell whether a border or a corner may have cut marks several times that are nothing but a drawing.

    A line goes on to the other end of the picture; a box or a circle has something in it.

    Args:
        cells: uint8 (rows, columns), 0 or 1.
        cuts: how often the border cuts them above, below, left and right.
        longer: their longer side, as a share of the picture's.
    """
    sides = np.flatnonzero(cuts)
    if sides.size > 1:
        return bool(longer < LINE_SHARE)
    closed = cells.copy()
    edge = (closed[0], closed[-1], closed[:, 0], closed[:, -1])[sides[0]]
    edge[int(edge.argmax()) : edge.size - int(edge[::-1].argmax())] = 1
    return not _is_framed(closed)


def _place(marks: np.ndarray, box: Box, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return the marks' top, bottom, left and right, as shares of the picture's height and width."""
    top, bottom, left, right = box_of(marks)
    height, width = ((box[1] - box[0]) / marks.shape[0], (box[3] - box[2]) / marks.shape[1])
    return (
        (box[0] + top * height) / shape[0],
        (box[0] + bottom * height) / shape[0],
        (box[2] + left * width) / shape[1],
        (box[2] + right * width) / shape[1],
    )


def _is_filled(cells: np.ndarray, colours: np.ndarray | None) -> bool:
    """Tell whether one colour fills a wide mark, as it does a marker's digit or a blot, but no sheet.

    What is written on a sheet has another colour, or the desk's: then it is a hole. Without colours, what has
    any other outline than sheets have is no sheet.

    Args:
        cells: uint8 (rows, columns), 0 or 1.
        colours: float32 (rows, columns, channels), 0..1.
    """
    hull = _round_hull(cells)
    if colours is None:
        return hull is None and are_strokes(cells, WIDEST_DIGIT)
    if hull is not None:
        filled = cv2.fillConvexPoly(np.zeros_like(cells), hull, 1)
        within = _eroded(filled, SOFT_CELLS)
        holes = (within & (cells == 0)).view(np.uint8)
        if np.count_nonzero(holes) > HOLE_SHARE * np.count_nonzero(within):
            return False
        *_, sizes, _ = cv2.connectedComponentsWithStats(holes)
        longest = sizes[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(initial=0)
        if longest > HOLE_LENGTH * max(cv2.boundingRect(hull)[2:]):
            return False
    inside = colours[_eroded(cells, OUTLINE_CELLS)]
    return not inside.size or bool(np.ptp(inside, axis=0).max() < UNEVEN)


def _without_gaps(cells: np.ndarray) -> np.ndarray:
    """Return marks that fill their box without the gaps of grain, others as they are: uint8, 0 or 1."""
    _, _, width, height = cv2.boundingRect(cells)
    if np.count_nonzero(cells) < GRAINY_SHARE * width * height:
        return cells
    return cv2.morphologyEx(cells, cv2.MORPH_CLOSE, AROUND)


def _eroded(cells: np.ndarray, by: int) -> np.ndarray:
    """Return what is so many cells within, bool (rows, columns); the map's border counts as an edge."""
    return cv2.erode(cells, AROUND, iterations=by, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0


def _is_framed(cells: np.ndarray) -> bool:
    """Tell whether marks, uint8 (rows, columns), 0 or 1, may be a box or a circle with something in it."""
    rows, columns = cells.shape
    # Left of what is in it and right of it there is ink, too, somewhere in the middle: few digits have that.
    middle = cells[[round(share * (rows - 1)) for share in MIDDLE]]
    strokes = middle[:, 0] + np.count_nonzero(middle[:, 1:] > middle[:, :-1], axis=1)
    if max(cells.shape) < FEWEST_CELLS or strokes.max() < 3 or (hull := _round_hull(cells)) is None:
        return False
    filled = cv2.fillConvexPoly(np.zeros((rows + 2, columns + 2), np.uint8), hull + 1, 1)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 3)
    inked = depth[1:-1, 1:-1][cells > 0]
    deep = np.count_nonzero(inked > DEPTH * depth.max())
    return bool(deep > DEEP_SHARE * inked.size and inked.size < SOLID_SHARE * np.count_nonzero(filled))


def _round_hull(cells: np.ndarray) -> np.ndarray | None:
    """Return the convex hull of marks whose outline is nearly that: int32 (points, 1, 2); None of others."""
    outlines = cv2.findContours(cells, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    return hull if cv2.contourArea(outline) >= HULL_SHARE * cv2.contourArea(hull) else None


def _is_lined(marks: np.ndarray, place: tuple[float, float, float, float]) -> bool:
    """Tell whether a long straight line goes along the picture's border, beside something smaller.

    A two that was cut out closely has a line below it, and is as wide itself.
    """
    top, bottom, left, right = place
    distances, wide, high = (top, 1 - bottom, left, 1 - right), right - left, bottom - top
    if min(distances) > BORDER_SHARE or max(wide, high) < LINE_SHARE:
        return False
    above, below, before, after = box_of(marks)
    inked = marks[above:below, before:after]
    edges = (inked[:EDGE_CELLS], inked[-EDGE_CELLS:], inked[:, :EDGE_CELLS].T, inked[:, -EDGE_CELLS:].T)
    filled = [edge.any(axis=0).mean() for edge in edges]
    if not any(
        distance <= BORDER_SHARE and share >= FILLED_SHARE and share * length >= LINE_SHARE
        for distance, share, length in zip(distances, filled, (wide, wide, high, high), strict=True)
    ):
        return False
    rest = inked[REST_CELLS:-REST_CELLS, REST_CELLS:-REST_CELLS]
    if not rest.any():
        return False
    top, bottom, left, right = box_of(rest)
    return bool(min((bottom - top) / rest.shape[0], (right - left) / rest.shape[1]) <= REST_SHARE)
