"""`python -m tests.fuzz TARGET [FOLDER] [libFuzzer's options]`: look for bytes that break a target.

Guided by coverage. Compiled code runs as plain Python here, so that what it covers is seen, and an index
beyond an array is an IndexError. A find lies in `crash-...` in the current folder; `python -m tests.fuzz
TARGET crash-...` runs it again.
"""

import os
import sys
import warnings

os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

with atheris.instrument_imports(include=["guard", "handler", "PIL"]):
    from tests.fuzz.targets import TARGETS, mended

if __name__ == "__main__":
    name = sys.argv.pop(1)
    target = TARGETS[name]
    warnings.simplefilter("ignore")  # words that wrap around, as compiled code lets them

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        """Return a neighbour of a picture's file whose checksums are right."""
        return mended(atheris.Mutate(data, max_size))[:max_size]

    atheris.Setup(sys.argv, target, **({"custom_mutator": mutated} if name == "picture" else {}))
    atheris.Fuzz()
