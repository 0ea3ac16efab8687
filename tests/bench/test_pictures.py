import io
from collections import Counter

import numpy as np
from PIL import Image

from bench.pictures import pictures
from handler.frame import frame_of


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    assert pictures(12, seed=3) == pictures(12, seed=3)
    assert not set(pictures(12, seed=3)) & set(pictures(12, seed=4))


def test_every_picture_has_a_frame_with_ink():
    for file in pictures():
        frame = frame_of(file)
        assert frame.shape == (28, 28)
        assert 0.03 < np.mean(frame > 127) < 0.5


def test_pictures_are_of_all_the_kinds_that_people_send():
    images = [Image.open(io.BytesIO(file)) for file in pictures()]
    assert {image.format for image in images} == {"PNG"}
    assert {image.mode for image in images} == {"RGBA", "RGB", "L"}
    sizes = Counter(image.size for image in images)
    assert sizes.most_common(1)[0][0] == (280, 280), "the page's own"
    assert len(sizes) > 10
    assert all(160 <= side <= 640 for size in sizes for side in size)
    corners = [image.convert("RGBA").getpixel((0, 0)) for image in images]
    assert any(alpha == 0 for *_, alpha in corners), "without paper"
    assert any(max(colour) < 100 and alpha for *colour, alpha in corners), "light on dark"
    assert any(min(colour) > 200 and alpha for *colour, alpha in corners), "dark on light"


def test_edges_are_soft():
    levels = np.asarray(Image.open(io.BytesIO(pictures(1)[0])).convert("RGBA"))
    assert len(np.unique(levels.reshape(-1, 4), axis=0)) > 20


def test_no_two_pictures_are_the_same():
    assert len(set(pictures(200))) == 200
