"""An ICC profile with red and green exchanged: who does not heed it sees another picture (ICC.1:2001-04)."""

import struct

# sRGB's primaries as D50 has them, and its white: X, Y, Z.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
WHITE, GAMMA = (0.9642, 1.0, 0.8249), 2.2
HEADER_BYTES, TAG_BYTES = 128, 12


def swapped_profile() -> bytes:
    """Return the profile's bytes."""
    curve = b"curv" + struct.pack(">4xIHxx", 1, round(GAMMA * 256))
    text = b"desc" + struct.pack(">4xI8s", 8, b"swapped\0") + bytes(80)
    tags = {
        b"desc": text, b"cprt": b"text" + bytes(4) + b"none\0\0\0\0", b"wtpt": _xyz(WHITE),
        b"rXYZ": _xyz(GREEN), b"gXYZ": _xyz(RED), b"bXYZ": _xyz(BLUE),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, content = struct.pack(">I", len(tags)), b""
    start = HEADER_BYTES + len(table) + TAG_BYTES * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s24x12s", start + len(content), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp",
        _xyz(WHITE)[8:],
    )  # fmt: skip
    return header.ljust(HEADER_BYTES, b"\0") + table + content


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + struct.pack(">4x3i", *(round(value * 65536) for value in values))
