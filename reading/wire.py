"""How the page and the process that finds pieces talk: messages of a kind, with a length before each."""

import socket
import struct

HEAD = struct.Struct("<cQ")
PAYLOAD, READY, PIECES, REFUSED, FAILED = b"p", b"!", b"P", b"R", b"F"


def send(connection: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send one message."""
    connection.sendall(HEAD.pack(kind, len(body)))
    connection.sendall(body)


def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the kind and the body of the next message; raise EOFError where the other side is gone."""
    kind, length = HEAD.unpack(_exactly(connection, HEAD.size))
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)
