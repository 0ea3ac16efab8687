"""A corpus of image files that are unusual, or not quite in order, made by code: what browsers are sent."""

from tests.handler.odd.bmp import bmps
from tests.handler.odd.jpeg import jpegs
from tests.handler.odd.other import others
from tests.handler.odd.png import pngs

FILES = {**pngs(), **jpegs(), **others(), **bmps()}
