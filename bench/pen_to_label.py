"""Measure how long a person waits for the label: `python -m bench.pen_to_label`, against a running page.

Draws one-stroke digits by mouse in a headless Chromium. The time runs, in the browser's own clock, from
the pointer's lifting until the frame in which the new label is painted. All drawings enter the history of one
new visitor: what a page that is open for long leaves behind is seen in the last ones.
"""

import shutil
import sys
from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright

from training.options import parser_of

# One stroke each, in units of the pad's side.
DIGITS: dict[str, list[tuple[float, float]]] = {
    "7": [(0.25, 0.25), (0.72, 0.25), (0.45, 0.80)],
    "1": [(0.52, 0.20), (0.48, 0.80)],
    "2": [(0.30, 0.35), (0.42, 0.22), (0.62, 0.25), (0.66, 0.40), (0.32, 0.76), (0.72, 0.76)],
    "3": [(0.32, 0.24), (0.62, 0.26), (0.46, 0.46), (0.66, 0.62), (0.52, 0.78), (0.32, 0.72)],
}
MOVES_PER_LEG = 8
STROKES = 100
GOAL_P50_MS, GOAL_P95_MS = 60, 100
# What the last third of the strokes may take, of what the first third took, in their medians.
GROWTH = 1.25

# Resolves one painted frame after the first answer that is another one than before.
WATCH = """() => {
  const pad = document.querySelector("canvas");
  window.penToLabel = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no new label within 10 s")), 10000);
    let lifted = null;
    pad.addEventListener("pointerup", () => { lifted = performance.now(); }, { capture: true, once: true });
    const before = document.querySelector(".reading").dataset.prediction;
    const observer = new MutationObserver(() => {
      const now = document.querySelector(".reading").dataset.prediction;
      if (lifted === null || now === "" || now === before) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - lifted)));
    });
    const whole = { subtree: true, childList: true, attributes: true };
    observer.observe(document.querySelector("#reading"), whole);
  });
}"""


def main() -> int:
    """Draw, measure and print; return 1 when a goal is missed, 2 when nothing was measured."""
    parser = parser_of("bench.pen_to_label", __doc__)
    parser.add_argument(
        "--url", default="http://127.0.0.1:7860", help="address of the page (default: %(default)s)"
    )
    given = parser.parse_args()
    try:
        waits_ms = measure(given.url, STROKES)
    except Error as error:
        # Playwright's message goes on with a log of its calls.
        reason = error.message.splitlines()[0]
        ask = "Is the page running there (`make run`)?"
        print(f"bench.pen_to_label: {given.url}: {reason} {ask}", file=sys.stderr)
        return 2
    words, is_met = judged(waits_ms)
    print(words)
    return 0 if is_met else 1


def judged(waits_ms: Sequence[float]) -> tuple[str, bool]:
    """Return what is printed of the waits, in their order, and whether they meet the goals."""
    p50_ms, p95_ms, p99_ms = np.percentile(waits_ms, [50, 95, 99])
    third = -(-len(waits_ms) // 3)
    first_ms, last_ms = np.median(waits_ms[:third]), np.median(waits_ms[-third:])
    words = (
        f"pen up to label, {len(waits_ms)} strokes: p50 {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms, "
        f"p99 {p99_ms:.0f} ms, slowest {max(waits_ms):.0f} ms; "
        f"p50 of the first third {first_ms:.0f} ms, of the last {last_ms:.0f} ms"
    )
    is_met = p50_ms <= GOAL_P50_MS and p95_ms <= GOAL_P95_MS and last_ms <= GROWTH * first_ms
    return words, bool(is_met)


def measure(url: str, strokes: int) -> list[float]:
    """Return the wait in ms for each of so many strokes on the page, after one that is not counted.

    Raises:
        playwright.sync_api.Error: no page answers there, or no label comes.
    """
    waits_ms, paths = [], list(DIGITS.values())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(url)
        page.locator(".pad-hint").wait_for(state="visible")
        for number in range(strokes + 1):
            page.evaluate(WATCH)
            draw(page, paths[number % len(paths)])
            waits_ms.append(page.evaluate("window.penToLabel"))
            # A person looks at the answer; by then the history is drawn too.
            page.wait_for_timeout(400)
            page.get_by_role("button", name="Clear").click()
            page.locator(".reading.is-blank").wait_for()
    return waits_ms[1:]


def draw(page: Page, path: Sequence[tuple[float, float]]) -> None:
    """Draw one stroke on the pad with the mouse."""
    box = page.locator("canvas").bounding_box()
    if box is None:
        raise SystemExit(f"{page.url} shows no drawing pad: is this the page?")
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=MOVES_PER_LEG)
    page.mouse.up()


if __name__ == "__main__":
    sys.exit(main())
