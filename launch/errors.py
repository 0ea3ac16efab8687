"""The one error of the launcher: what stands in the way, and what to do about it."""


class LaunchError(Exception):
    """Something keeps the platform from starting or running.

    Its text is one line, `cause: ... fix: ...`, meant to be printed as it is instead of a traceback.

    Args:
        cause: what was found where what was expected.
        fix: what the person at the terminal can do now.
    """

    def __init__(self, cause: str, fix: str) -> None:
        self.cause = _one_line(cause)
        self.fix = _one_line(fix)
        super().__init__(f"cause: {self.cause}; fix: {self.fix}")


def _one_line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")
