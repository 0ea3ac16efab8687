"""`python -m ui`, with steps of a rollout that last seconds: nothing else differs."""

import sys
from functools import partial

from rollout import driver
from rollout.rule import Rule
from ui import __main__ as page

# What is slow beside many other tests says nothing of a version.
RULE = Rule(answers=40, held_s=2.0, slow_ms=5_000.0)


if __name__ == "__main__":
    driver.LOOK_EVERY_S = 1.0
    page.Driver = partial(driver.Driver, rule=RULE)  # type: ignore[assignment, misc]
    sys.exit(page.main())
