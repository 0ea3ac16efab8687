"""What is printed for the person who started the platform."""

import os
import signal
import sys


def show(text: str) -> None:
    """Print the text at once, and whole where several threads print."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_reads()


def nobody_reads() -> None:
    """Begin an orderly stop: the terminal, or the program after the pipe, is gone."""
    # Later lines go nowhere instead of failing one by one in the middle of the stop.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.kill(os.getpid(), signal.SIGTERM)
