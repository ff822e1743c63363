"""Pictures: whole and of a sane size; a public copy and a thumbnail that keep the picture and nothing else of the file."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from zhunsheng.web.common.errors import Refused

#: 80 million pixels take 240 MB in memory; telephones make 12 to 50 million
MOST_PIXELS = 80_000_000
THUMBNAIL = (320, 320)
_FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}


def check(path: Path, kind: str) -> None:
    """Decodes the picture once. Raises Refused for one that is damaged, cut off, moving, or too large to be opened."""
    with _opened(path, kind) as picture:
        if getattr(picture, "n_frames", 1) > 1 and kind != "jpeg":  # a JPEG of a telephone may hold a second view
            raise Refused(_("这是动态图片。请上传静态图片，或上传 MP4 视频"))
        picture.load()


def public_copy(path: Path, kind: str) -> bytes:
    """The picture re-encoded, upright: without EXIF, place, thumbnail, comments, colour profile or anything after its end."""
    with _opened(path, kind) as picture:
        plain = _plain(picture)
    out = BytesIO()
    if kind == "png":
        plain.save(out, "PNG", optimize=False)
    else:
        plain.save(out, _FORMATS[kind], quality=90)
    return out.getvalue()


def thumbnail(path: Path, kind: str) -> bytes:
    """A small JPEG of the picture, upright and plain as the public copy."""
    with _opened(path, kind) as picture:
        picture.draft("RGB", (THUMBNAIL[0] * 2, THUMBNAIL[1] * 2))
        plain = _plain(picture)
    plain.thumbnail(THUMBNAIL)
    flat = Image.new("RGB", plain.size, "white")
    flat.paste(plain, mask=plain.getchannel("A") if plain.mode == "RGBA" else None)
    out = BytesIO()
    flat.save(out, "JPEG", quality=80)
    return out.getvalue()


def _plain(picture: Image.Image) -> Image.Image:
    """Only the pixels, turned as the camera was held, in a new image that knows nothing of the file."""
    upright = ImageOps.exif_transpose(picture)
    mode = "RGBA" if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info else "RGB"
    converted = upright.convert(mode)
    plain = Image.new(mode, converted.size)
    plain.paste(converted)
    return plain


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Image.Image]:
    """Opens the file as this format only, its size looked at before a pixel is. Raises Refused, whatever goes wrong inside."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns of what it holds for a bomb below twice its limit; ours is looked at below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=[_FORMATS[kind]]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise _too_large(picture.width * picture.height)
                yield picture
    except Image.DecompressionBombError:
        raise _too_large(0) from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, MemoryError):
        raise Refused(_("图片不完整或已损坏，打不开。请重新导出后再上传")) from None


def _too_large(pixels: int) -> Refused:
    if not pixels:
        return Refused(_("图片的像素太多，没有打开。请缩小后再上传"))
    return Refused(
        _("图片有 %(n)s 万像素，最多 %(most)s 万，没有打开。请缩小后再上传")
        % {"n": f"{pixels // 10_000:,}", "most": f"{MOST_PIXELS // 10_000:,}"}
    )


def without_segments(data: bytes) -> bytes:
    """A JPEG stream without its application segments (EXIF, XMP, …) and comments; the pixels untouched, bit by bit.

    For pictures inside a PDF, which are not encoded anew. JFIF (APP0) and Adobe's colour mark (APP14) stay: without them
    colours would change. What is no JPEG comes back as it is.
    """
    if not data.startswith(b"\xff\xd8"):
        return data
    out, at = bytearray(b"\xff\xd8"), 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == 0xDA:  # the scan: all the rest
            break
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:
            out += data[at : at + 2]
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if not (marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE)):
            out += data[at : at + 2 + length]
        at += 2 + length
    return bytes(out + data[at:])
