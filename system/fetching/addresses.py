"""Which addresses belong to the public internet."""

import ipaddress

# RFC 6052 and RFC 3056: the last 32 bits, and the 32 after the prefix, are an IPv4 address.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# RFC 4291, 2.4: all unicast addresses that were ever given out; what Python calls global is more.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# RFC 9637 (for documents) is not known to every Python; RFC 7526 gave up the relays of 6to4.
NOT_PUBLIC = (ipaddress.IPv6Network("3fff::/20"), ipaddress.IPv4Network("192.88.99.0/24"))


def is_public(address: str) -> bool:
    """Return whether a numeric address is one of the public internet, whatever it is wrapped in.

    Raises:
        ValueError: It is not an address.
    """
    if "%" in address:  # of one link alone
        return False
    found = _unwrapped(ipaddress.ip_address(address))
    if isinstance(found, ipaddress.IPv6Address) and found not in GLOBAL_UNICAST:
        return False
    is_special = found.is_multicast or found.is_reserved or any(found in network for network in NOT_PUBLIC)
    return found.is_global and not is_special


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return where a packet to this address arrives in the end: networks may translate it to IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
