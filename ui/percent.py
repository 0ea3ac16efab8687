"""Probabilities as people read them, the same wherever they are shown."""


def percent(probability: float) -> str:
    """Return a probability, 0 to 1, in percent with one decimal: "98.8 %", "> 99.9 %" for nearly 1.

    Only what is certain is called 100 %.
    """
    if 0.999 < probability < 1:
        return "> 99.9 %"
    return "100 %" if probability == 1 else f"{100 * probability:.1f} %"
