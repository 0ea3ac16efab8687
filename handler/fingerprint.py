"""The preprocessing's fingerprint: it tells whether two archives, answers or rows were preprocessed alike."""

import hashlib
import io
import tokenize
from pathlib import Path

# Every file between an image's bytes and the frame, in that order, for each framing of handler/framings.py.
# `mending.py`, `rotation.py`, `bitfields.py` and `deep_tiff.py` are not among them: they give frames to files
# that had none, or one of another picture than they say, and leave those of all others as they are.
FILES = {
    "ink": (
        "png.py", "decode.py", "even_sheet.py", "even_cells.py", "marks.py", "one_drawing.py", "emphasis.py",
        "paper.py", "ink.py", "writing.py", "writing.onnx", "frame.py",
    ),
    "picture": ("png.py", "decode.py", "picture.py"),
    "photo": ("png.py", "decode.py", "photo.py"),
}  # fmt: skip
LAYOUT = {
    tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def preprocessing_fingerprint(folder: Path | None = None, framing: str = "ink") -> str:
    """Return eight hexadecimal digits that change when, and only when, a framing's code or network changes.

    Tokens are hashed, and not the text or the syntax tree: comments, docstrings and layout do not count,
    and every version of Python sees the same tokens. What the image libraries below do is not in it.

    Args:
        folder: where the files lie; this file's own folder by default, so that an archive is judged by
            the code that it carries.
        framing: a key of FILES, or one of a photograph, which also says how large a frame is.
    """
    folder = folder or Path(__file__).parent
    digest = hashlib.sha256()
    kind = framing if framing in FILES else framing.split("-")[0]
    if kind != framing:
        digest.update(framing.encode() + b"\0")
    for name in FILES[kind]:
        if not name.endswith(".py"):
            digest.update((folder / name).read_bytes())
            continue
        for word in _words((folder / name).read_text(encoding="utf-8")):
            digest.update(word.encode() + b"\0")
    return digest.hexdigest()[:8]


def _words(source: str) -> list[str]:
    """Return the source's tokens but comments, layout, docstrings, and commas before a closing bracket."""
    words: list[str] = []
    # A string that begins a logical line is a docstring: nothing takes its value.
    begins_line = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in LAYOUT:
            begins_line = begins_line or token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
            continue
        is_docstring = begins_line and token.type == tokenize.STRING
        begins_line = False
        if is_docstring:
            continue
        if token.string in ")]}" and words and words[-1] == ",":
            words.pop()
        words.append(token.string)
    return words
