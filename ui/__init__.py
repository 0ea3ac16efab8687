"""The Gradio page: a pad to draw on, the model's answer, and the visitor's history."""

import sys

from ui.no_stubs import Finder

# Before any module of the page imports Gradio.
sys.meta_path.insert(0, Finder)
