"""How often somebody may try to sign in: so many wrong passwords a network and a name, then waiting."""

import ipaddress

from db.attempts import Limit

# More than a person needs: of a network, for all names together, or of a browser that knows the name.
OF_A_PLACE, WITHIN_S = 10, 600.0
# A name from all places that do not know it: so much that it takes a hundred networks to keep somebody from
# signing in (and then only in a new browser), so little that it takes years to try a million passwords.
OF_A_NAME, WITHIN_A_DAY_S = 1_000, 24 * 3600.0


def of_network(address: str) -> Limit:
    """Return how often one may try from there, for all names together."""
    return Limit(f"network {network_of(address)}", OF_A_PLACE, WITHIN_S)


def limits(address: str, name: str, browser: bytes | None = None) -> list[Limit]:
    """Return what an attempt counts for: the network, and the name.

    An attempt in a browser that knows the name, in which its user has signed in before, is counted by that
    browser and not by the name: so nobody elsewhere can use up what that user has.
    """
    by_name = Limit(f"name {name}", OF_A_NAME, WITHIN_A_DAY_S)
    by_browser = browser and Limit(f"browser {browser.hex()}", OF_A_PLACE, WITHIN_S)
    return [of_network(address), by_browser or by_name]


def network_of(address: str) -> str:
    """Return the address itself, of an IPv6 address its /64, which one household or server has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:50]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
