"""The story as docs/loop-example.md: its figures, and a picture of sevens that are read since."""

import io
from collections import Counter
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from db.serving import Look
from tests.crossed_sevens.story import ALONE, DAMAGED, NEW, OLD
from tests.crossed_sevens.told import Told
from training.evaluation.ask import Answers

PAGE, PICTURE = "loop-example.md", "loop-example.png"
SHOWN, COLUMNS, TILE_PX, WORDS_PX, GAP_PX = 12, 6, 112, 26, 8

TEMPLATE = Path(__file__).with_name("page.md")


def write(told: Told, folder: Path) -> None:
    """Write the page and its picture into a folder."""
    (folder / PICTURE).write_bytes(_picture(told))
    (folder / PAGE).write_text(_text(told), encoding="utf-8")


def _text(told: Told) -> str:
    (crossed_before, others_before), (crossed_after, others_after) = told.measured.before, told.measured.after
    feedback = next(check for check in told.verdict.checks if check["name"] == "held-out feedback")
    return TEMPLATE.read_text(encoding="utf-8").format(
        old=OLD,
        new=NEW,
        damaged=DAMAGED,
        drawn=told.corrected.total(),
        sevens=_wrong_sevens(told.corrected),
        verdict=f"of corrected drawings that never train, {feedback['reason']}",
        looks="\n".join(f"   - {one.share} %: {one.reason}" for one in told.looks if "number" in one.numbers),
        crossed=len(crossed_before.correct),
        crossed_before=_right(crossed_before),
        crossed_after=_right(crossed_after),
        others=len(others_before.correct),
        others_before=_right(others_before),
        others_after=_right(others_after),
        picture=PICTURE,
        refusal=_first_words(told.refusal.reason),
        alone=ALONE,
        league=told.poisoned.total() - ALONE,
        watched=told.watched[-1].reason,
        poisoned=told.lied_to.said.strip().splitlines()[-1].split("; ")[-1],
        forced=_last(told.forced).reason.split(": ", 1)[1],
        asked=f"{told.statuses.total():,}",
    )


def _last(looks: list[Look]) -> Look:
    return next(one for one in reversed(looks) if one.outcome == "failed")


def _right(answers: Answers) -> int:
    return int(answers.correct.sum())


def _wrong_sevens(read: Counter[tuple[int, str]]) -> int:
    return sum(count for (label, read_as), count in read.items() if label == 7 and read_as != "7")


def _first_words(reason: str) -> str:
    """Return the reason of the first check that was not passed."""
    return reason.split("; ")[0].rstrip(".")


def _picture(told: Told) -> bytes:
    """Return a PNG of crossed sevens that only the new version reads."""
    before, after = told.measured.before[0], told.measured.after[0]
    gained = [at for at in range(len(before.correct)) if after.correct[at] and not before.correct[at]]
    shown = gained[:SHOWN]
    rows = -(-len(shown) // COLUMNS)
    step = (TILE_PX + GAP_PX, TILE_PX + WORDS_PX + GAP_PX)
    sheet = Image.new("L", (COLUMNS * step[0] + GAP_PX, rows * step[1] + GAP_PX), 255)
    brush, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for place, at in enumerate(shown):
        left, top = GAP_PX + place % COLUMNS * step[0], GAP_PX + place // COLUMNS * step[1]
        sheet.paste(Image.open(io.BytesIO(before.question.picture(at))).convert("L"), (left, top))
        brush.rectangle((left, top, left + TILE_PX, top + TILE_PX), outline=200)
        words = f"{before.predicted[at]}, now {after.predicted[at]}"
        brush.text((left + TILE_PX / 2, top + TILE_PX + WORDS_PX / 2), words, fill=0, font=font, anchor="mm")
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()
