"""What the clients of an API hold in memory: bodies that came and are not answered yet, by client."""

from collections import Counter

# Of all bodies together: half of Java's heap (config.properties).
MOST_BYTES_HELD = 256 * 1024**2
# Beyond this there is room only for who holds less than a share: however much one takes, the others get in.
SCARCE_BYTES = MOST_BYTES_HELD // 2
# Of one client: two of the largest bodies, so that it would take five to fill what is left for others.
SHARE_BYTES = MOST_BYTES_HELD // 8


class Room:
    """The memory for one API's bodies.

    Args:
        most_bytes: of one body, which fits into a share however large it is.

    Attributes:
        held_bytes: of all bodies.
    """

    def __init__(self, most_bytes: int) -> None:
        self.held_bytes = 0
        self._share_bytes = max(SHARE_BYTES, most_bytes)
        self._held: Counter[str] = Counter()

    def hold(self, who: str, size: int) -> None:
        """Count bytes for a client, or no longer where they are less than 0."""
        self.held_bytes += size
        held = self._held[who] + size
        if held:
            self._held[who] = held
        else:
            del self._held[who]

    def greediest(self, who: str) -> str | None:
        """Return which client must give way for this one, itself perhaps; None while there is room for it."""
        if self.held_bytes <= SCARCE_BYTES:
            return None
        if self._held[who] > self._share_bytes:
            return who
        return max(self._held, key=self._held.__getitem__) if self.held_bytes > MOST_BYTES_HELD else None


class Body:
    """A body in the room, from its first byte until its request is answered or given up.

    Attributes:
        who: the client that it counts for.
        size: in bytes.
    """

    __slots__ = ("_room", "size", "who")

    def __init__(self, room: Room, who: str) -> None:
        self._room = room
        self.who = who
        self.size = 0

    def grow(self, size: int) -> None:
        """Count so many more bytes."""
        self.size += size
        self._room.hold(self.who, size)

    def free(self) -> None:
        """Give back what it took."""
        if self.size:
            self._room.hold(self.who, -self.size)
            self.size = 0
