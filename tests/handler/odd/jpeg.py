"""JPEG files of every kind, and those that are not quite in order."""

import struct

from PIL import Image

from tests.handler.odd.picture import ODD_ENTRIES, ORIENTATIONS, PICTURE, XMP, exif, saved


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def jpeg(*more: bytes, image: Image.Image = PICTURE, **options: object) -> bytes:
    """Return a JPEG file with segments after its first one."""
    file = saved(image, "JPEG", **{"quality": 95, "subsampling": 0, **options})
    at = 4 + int.from_bytes(file[4:6], "big") if file[3] == 0xE0 else 2
    return file[:at] + b"".join(more) + file[at:]


def jpeg_exif(data: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + data)


def jpegs() -> dict[str, bytes]:
    plain = jpeg()
    files = {
        "grey": jpeg(image=PICTURE.convert("L")),
        "progressive": jpeg(progressive=True),
        "subsampled": jpeg(subsampling=2),
        "CMYK": jpeg(image=PICTURE.convert("CMYK")),
        "RGB": saved(PICTURE, "JPEG", quality=95, keep_rgb=True),
        "comment of nothing": jpeg(segment(0xFE, b"")),
        "profile that is none": jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1garbage")),
        "profile of a part": jpeg(segment(0xE2, b"ICC_PROFILE\0\2\7garbage")),
        "profile without its count": jpeg(segment(0xE2, b"ICC_PROFILE\0")),
        "several pictures that are none": jpeg(segment(0xE2, b"MPF\0garbage")),
        "Photoshop's remark that is none": jpeg(
            segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\xff\xff")
        ),
        "Photoshop's remark of half a resolution": jpeg(
            segment(0xED, b"Photoshop 3.0\0" + b"8BIM\3\xed\0\0\0\0\0\x03abc")
        ),
        "XMP that is none": jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe<")),
        "Adobe's remark of three bytes": jpeg(segment(0xEE, b"Ado")),
        "JFIF of five bytes": plain[:2] + segment(0xE0, b"JFIF\0") + plain[20:],
        "no JFIF": plain[:2] + plain[20:],
        "garbage between segments": jpeg(b"garbage"),
        "filling between segments": jpeg(b"\xff" * 9),
        "bytes after the end": plain + b"garbage" * 30,
        "EXIF that is none": jpeg(jpeg_exif(b"garbage")),
        "EXIF of nothing": jpeg(jpeg_exif(b"")),
        "two EXIF segments": jpeg(jpeg_exif(exif(6)), jpeg_exif(exif(3))),
        "half of the file": plain[: len(plain) // 2],
        "no end": plain[:-2],
        "progressive, no end": jpeg(progressive=True)[:-2],
        "last bytes missing": plain[:-30],
    }
    for orientation in ORIENTATIONS:
        files[f"turned, {orientation}"] = jpeg(jpeg_exif(exif(orientation)))
    for name, entry in ODD_ENTRIES.items():
        files[f"turned, EXIF entry: {name}"] = jpeg(jpeg_exif(exif(6, entry)))
    files["turned, garbage between segments"] = jpeg(jpeg_exif(exif(6)), b"garbage")
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    files["turned by XMP alone"] = jpeg(xmp)
    files["turned, 3, and otherwise by XMP"] = jpeg(jpeg_exif(exif(3)), xmp)
    files["orientation 77"] = jpeg(jpeg_exif(exif(77)))
    return {f"JPEG: {name}": file for name, file in files.items()}
