"""The page imports Gradio without the files that it writes for editors."""

import subprocess
import sys

import pytest

from system.files import PROJECT

pytestmark = pytest.mark.processes

# Of a class without a source file Gradio's own function says that it finds none.
CODE = """
import ui.app
import gradio
from gradio import blocks_events, component_meta
for module in (component_meta, blocks_events):
    module.create_or_modify_pyi(int, "int", [])
assert hasattr(gradio.Button("one"), "click")
"""


def test_no_component_writes_one_and_all_have_their_events() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
