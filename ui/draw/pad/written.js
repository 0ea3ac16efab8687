// What is sent of a number: a picture, or strokes with as few points as it takes.

const APART = 1.5; // units: nearer points say nothing more of a stroke
const MOST_POINTS = 2800; // the page takes 10,000 values, of which a point has three
const COARSER = 1.5; // each further try, while these are too many

// Return the body of the request for what is on the paper, as an object.
export function bodyOf({ strokes, picture }) {
  if (picture) return { image: picture.image };
  let [apart, thinned] = [APART, []];
  do {
    thinned = strokes.map(({ points }) => thin(points, apart));
    apart *= COARSER;
    // Of many short strokes nothing is left out any more: the page refuses these in one line.
  } while (thinned.flat().length > MOST_POINTS && thinned.some(({ length }) => length > 2));
  const width = strokes.reduce((sum, stroke) => sum + stroke.width, 0) / strokes.length;
  return { strokes: thinned, width };
}

// Return the first and the last point, and of those between so many that each is `apart` from the one before it.
export function thin(points, apart) {
  const kept = [points[0]];
  for (const point of points.slice(1, -1)) {
    const [x, y] = kept.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) >= apart) kept.push(point);
  }
  if (points.length > 1) kept.push(points.at(-1));
  return kept.map((point) => point.map((value) => Math.round(value * 10) / 10));
}
