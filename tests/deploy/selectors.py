"""What a query of Prometheus asks for: names and labels of series, without what is computed of them."""

import re

_STRING = r'"(?:[^"\\]|\\.)*"'
# Label names after these are no series.
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_WINDOW = re.compile(r"\[[^\]]*\]")
_OFFSET = re.compile(r"\boffset\s+\w+")
_SELECTOR = re.compile(rf"([a-zA-Z_:][\w:]*)(\s*\()?(\{{(?:{_STRING}|[^}}\"])*\}})?")
_WORDS = {"and", "or", "unless", "bool", "Inf", "NaN"}


def selectors(expr: str) -> list[str]:
    """Return every selector of an expression in PromQL, such as `up{job="page"}`."""
    for noise in (_GROUPING, _WINDOW, _OFFSET):
        expr = noise.sub(" ", expr)
    return sorted(
        {
            name + (labels or "")
            for name, is_function, labels in _SELECTOR.findall(expr)
            if not is_function and name not in _WORDS and not re.fullmatch(r"e\d+", name)
        }
    )


def metric(selector: str) -> str:
    """Return the selector's name alone, a histogram's without the ending of its series."""
    return re.sub(r"_(bucket|sum|count)$", "", selector.partition("{")[0])
