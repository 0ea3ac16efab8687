"""WebP, AVIF, GIF and ICO files of every kind, and those that are not quite in order."""

import struct

import numpy as np
from PIL import Image

from tests.handler.odd.picture import HEIGHT, ODD_ENTRIES, PICTURE, RAMP, RGB, WIDTH, XMP, exif, saved


def webp(file: bytes, more: dict[bytes, bytes], flags: int) -> bytes:
    """Return a WebP file of one still picture with further chunks behind its own."""
    body = file[12:]
    if body[:4] != b"VP8X":
        size = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
        body = b"VP8X" + struct.pack("<I", 10) + bytes((flags, 0, 0, 0)) + size + body
    for kind, content in more.items():
        body += kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def others() -> dict[str, bytes]:
    lossless, lossy = saved(PICTURE, "WEBP", lossless=True), saved(PICTURE, "WEBP", quality=95)
    clear = Image.fromarray(np.dstack([RGB, RAMP]))
    turned = [PICTURE, PICTURE.rotate(180), PICTURE.rotate(90)]
    remarks = Image.Exif()
    remarks[0x010F] = "whoever made it"
    animation = {"save_all": True, "append_images": turned[1:], "duration": 100}
    files = {
        "WebP: lossless": lossless,
        "WebP: lossy": lossy,
        "WebP: lossy with alpha": saved(clear, "WEBP", quality=95),
        "WebP: lossless with alpha": saved(clear, "WEBP", lossless=True),
        "WebP: animation": saved(PICTURE, "WEBP", lossless=True, **animation),
        "WebP: EXIF that is none": webp(lossless, {b"EXIF": b"garbage"}, 0x08),
        "WebP: EXIF of nothing": webp(lossless, {b"EXIF": b""}, 0x08),
        "WebP: profile that is none": webp(lossless, {b"ICCP": b"garbage"}, 0x20),
        "WebP: XMP that is none": webp(lossless, {b"XMP ": b"\xff<"}, 0x04),
        "WebP: unknown chunk": webp(lossless, {b"ABCD": b"abc"}, 0),
        "WebP: bytes after the end": lossless + b"garbage" * 9,
        "WebP: half of the file": lossless[: len(lossless) // 2],
        "AVIF: plain": saved(PICTURE, "AVIF", quality=95),
        "AVIF: with alpha": saved(clear, "AVIF", quality=95),
        "AVIF: EXIF that is none": saved(PICTURE, "AVIF", quality=95, exif=remarks.tobytes()).replace(
            b"MM\0*", b"none"
        ),
        "GIF: plain": saved(PICTURE, "GIF"),
        "GIF: interlaced": saved(PICTURE, "GIF", interlace=True),
        "GIF: bytes after the end": saved(PICTURE, "GIF") + b"garbage",
        "GIF: no end": saved(PICTURE, "GIF")[:-1],
        "ICO: plain": saved(PICTURE.resize((32, 32)), "ICO", sizes=[(32, 32)]),
    }
    files["GIF: half of the file"] = files["GIF: plain"][: len(files["GIF: plain"]) // 2]
    for disposal in range(4):
        files[f"GIF: animation, disposal {disposal}"] = saved(PICTURE, "GIF", disposal=disposal, **animation)
    for orientation in (1, 3, 6):
        files[f"WebP: turned, {orientation}"] = webp(lossless, {b"EXIF": exif(orientation)}, 0x08)
        files[f"AVIF: turned by its box, {orientation}"] = saved(
            PICTURE, "AVIF", quality=95, exif=exif(orientation)
        )
    files["WebP: turned, with an odd EXIF entry"] = webp(
        lossless, {b"EXIF": exif(6, ODD_ENTRIES["negative"])}, 0x08
    )
    files["WebP: turned by XMP alone"] = webp(lossless, {b"XMP ": XMP}, 0x04)
    files["AVIF: turned by XMP alone"] = saved(PICTURE, "AVIF", quality=95, xmp=XMP)
    files["TIFF: turned by XMP alone"] = saved(PICTURE, "TIFF", tiffinfo={700: XMP})
    for name, length in {"nought": 0, "too small": 300, "too large": len(lossless) + 500}.items():
        files[f"WebP: length {name}"] = lossless[:4] + struct.pack("<I", length) + lossless[8:]
    for name, entry in ODD_ENTRIES.items():
        files[f"TIFF: turned, entry: {name}"] = tiff(entry, orientation=6)
    palette = PICTURE.quantize(16)
    files["GIF: transparent"] = saved(palette, "GIF", transparency=int(np.asarray(palette)[20, 40]))
    files["GIF: frame smaller than its screen"] = _small_frame(saved(palette, "GIF"))
    return files


def tiff(*odd: bytes, orientation: int = 1) -> bytes:
    """Return a TIFF file with further entries of 12 bytes, little-endian, in its directory."""
    tags = {
        256: (4, WIDTH), 257: (4, HEIGHT), 258: (3, 0), 259: (3, 1), 262: (3, 2), 273: (4, 0),
        274: (3, orientation), 277: (3, 3), 278: (4, HEIGHT), 279: (4, RGB.size),
    }  # fmt: skip
    end = 14 + 12 * (len(tags) + len(odd))
    tags[258], tags[273] = (3, end), (4, end + 6)
    entries = [
        struct.pack("<HHII", tag, kind, 3 if tag == 258 else 1, value) for tag, (kind, value) in tags.items()
    ]
    directory = sorted([*entries, *odd], key=lambda entry: struct.unpack_from("<H", entry))
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(directory))
    return head + b"".join(directory) + bytes(4) + struct.pack("<3H", 8, 8, 8) + RGB.tobytes()


def deep_tiff(
    samples: np.ndarray, order: str, *, photometric: int, planar: int = 1, turned: int = 1
) -> bytes:
    """Return a TIFF file in strips of 10 lines; samples are (planes, height, width), of 16 or 32 bits."""
    planes, height, width = samples.shape
    strips = [plane[top : top + 10] for plane in samples for top in range(0, height, 10)]
    data = [strip.astype(samples.dtype.newbyteorder(order)).tobytes() for strip in strips]
    is_float = samples.dtype.kind == "f"
    values: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [8 * samples.itemsize] * planes),
        259: ("H", [1]), 262: ("H", [photometric]), 273: ("I", [0] * len(data)), 274: ("H", [turned]),
        277: ("H", [planes]), 278: ("I", [10]), 279: ("I", [len(one) for one in data]),
        284: ("H", [planar]), 339: ("H", [3 if is_float else 1] * planes),
    }  # fmt: skip
    at = 8 + 2 + 12 * len(values) + 4
    start = at + sum(struct.calcsize(f"={len(many)}{kind}") for kind, many in values.values())
    values[273] = ("I", [start + sum(len(one) for one in data[:before]) for before in range(len(data))])
    entries, more = b"", b""
    for tag, (kind, many) in values.items():
        packed = struct.pack(f"{order}{len(many)}{kind}", *many)
        entries += struct.pack(f"{order}HHI", tag, 4 if kind == "I" else 3, len(many))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", at + len(more))
            more += packed
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    body = struct.pack(f"{order}H", len(values)) + entries + bytes(4) + more
    return (head + body).ljust(start, b"\0") + b"".join(data)


def _small_frame(file: bytes) -> bytes:
    """Return a GIF whose only frame lies at (5, 3) of a larger screen."""
    at = file.index(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    moved = file[:at] + b"\x2c" + struct.pack("<HH", 5, 3) + file[at + 5 :]
    return moved[:6] + struct.pack("<HH", WIDTH + 10, HEIGHT + 8) + moved[10:]
