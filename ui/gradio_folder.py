"""Gradio's folder for files: below the page's own, and emptied when the page starts.

The page asks Gradio to keep no file, and its uploads are not served; but it makes the folder, which would be
the system's temporary one, and would keep there whatever a later release puts into it.
"""

import errno
import os
import shutil
from pathlib import Path

import gradio.routes

from system.files import private_folder


def begin(folder: Path) -> None:
    """Remove what lies there, and have Gradio use it from now on.

    Raises:
        OSError: It cannot be made, or leads elsewhere.
    """
    if folder.is_symlink():
        raise NotADirectoryError(
            errno.ENOTDIR, "It is a link, and what it leads to is not emptied", str(folder)
        )
    shutil.rmtree(folder, ignore_errors=True)
    private_folder(folder)
    os.environ.update(GRADIO_TEMP_DIR=str(folder))
    # What it made of the variable when it was imported.
    gradio.routes.DEFAULT_TEMP_DIR = str(folder)
