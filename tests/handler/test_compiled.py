"""What is compiled when a worker starts."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps

from training.data.drawing import drawing

# The archive may have to be built first.
pytestmark = pytest.mark.training

CHECK_AND_READ = """
import sys
from pathlib import Path
from handler import even_cells, frame, marks, png, self_check
from handler.model import Model

def compiled():
    found = [one for module in (png, even_cells, marks, frame) for one in vars(module).values()]
    return {str(one): one.signatures for one in found if hasattr(one, "signatures")}

model = Model(Path())
self_check.check(Path(), model)
before = compiled()
for file in sys.argv[1:]:
    model.framed(Path(file).read_bytes()).place()
assert sum(map(len, before.values())) > 5
assert compiled() == before
"""


def test_the_self_check_compiles_all_that_any_picture_needs(model_store: Path, tmp_path: Path) -> None:
    """The process of handler/aside.py would compile what is missing for each picture, and be ended for it."""
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        mar.extractall(tmp_path)
    seven = drawing("7")
    shadow = Image.fromarray(np.linspace(120, 255, 280, dtype=np.uint8)[None].repeat(280, axis=0))
    images = [seven, seven.resize((2500, 2500)), ImageChops.multiply(seven, shadow.convert("RGB"))]
    # What is no drawing goes other ways: lines across, one below, a box, a desk, a page around the sheet.
    rules, below, box, desk = (seven.copy() for _ in range(4))
    for at in range(5, 280, 30):
        ImageDraw.Draw(rules).line((0, at, 280, at + 6), (90, 120, 200), 2)
    ImageDraw.Draw(below).line((40, 270, 240, 270), (0, 0, 0), 6)
    ImageDraw.Draw(box).rectangle((4, 4, 275, 275), None, (0, 0, 0), 4)
    ImageDraw.Draw(desk).polygon([(0, 0), (90, 0), (0, 60)], (40, 30, 20))
    page = ImageOps.expand(seven.point(lambda level: level * 4 // 5), 30, (255, 255, 255))
    images += [rules, below, box, desk, page]
    files = []
    for number, image in enumerate(images):
        for mode, ending in (("L", "png"), ("RGBA", "png"), ("RGB", "jpg"), ("1", "tiff")):
            files.append(tmp_path / f"{number}-{mode}.{ending}")
            image.convert(mode).save(files[-1])
    command = [sys.executable, "-c", CHECK_AND_READ, *files]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
