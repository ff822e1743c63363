"""Files as people send them: good ones of every kind, and pieces to make bad ones from. All invented here, none is real."""

import io
import struct
import zipfile

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, NumberObject, TextStringObject

SECRET = "CanonEOSofWang"
CONTENT_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
WORD = (
    '<?xml version="1.0"?><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>投诉信</w:t></w:r></w:p></w:body></w:document>'
)


def picture(kind="JPEG", size=(64, 48), secret=True) -> bytes:
    """A picture, red on the left: held upright by its EXIF, with a camera, a place on the map, a comment."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    more = {}
    if secret:
        exif = Image.Exif()
        exif[0x0110] = SECRET
        exif[0x0112] = 6  # turn by 90 degrees
        place = exif.get_ifd(0x8825)
        place.update({1: "N", 2: (35.0, 14.0, 30.0), 3: "E", 4: (113.0, 14.0, 20.0)})
        exif._ifds[0x8825] = place
        more["exif"] = exif
        if kind == "JPEG":
            more["comment"] = SECRET.encode()
            more["xmp"] = f"<x>{SECRET}</x>".encode()
        if kind == "PNG":
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            info.add_text("Author", SECRET)
            more["pnginfo"] = info
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def pdf(*, secret=True, change=None, password="") -> bytes:
    """One page with a photo in it, made by somebody with some tool. `change(writer, page)` spoils it."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    photo = DecodedStreamObject()
    photo.set_data(picture())
    photo.update({
        NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Image"),
        NameObject("/Width"): NumberObject(64), NameObject("/Height"): NumberObject(48),
        NameObject("/ColorSpace"): NameObject("/DeviceRGB"), NameObject("/BitsPerComponent"): NumberObject(8),
        NameObject("/Filter"): NameObject("/DCTDecode"),
    })  # fmt: skip
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/XObject"): DictionaryObject({NameObject("/Im0"): writer._add_object(photo)})}
    )
    words = DecodedStreamObject()
    words.set_data(b"q 100 0 0 100 0 0 cm /Im0 Do Q")
    page[NameObject("/Contents")] = writer._add_object(words)
    if secret:
        writer.add_metadata({"/Author": SECRET, "/Producer": SECRET})
        xmp = DecodedStreamObject()
        xmp.set_data(f"<rdf>{SECRET}</rdf>".encode())
        writer._root_object[NameObject("/Metadata")] = writer._add_object(xmp)
        page[NameObject("/PieceInfo")] = DictionaryObject({NameObject("/Tool"): TextStringObject(SECRET)})
    if change:
        change(writer, page)
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def archive(parts: "dict[str, bytes | str]") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return out.getvalue()


def docx(**more) -> bytes:
    return archive({"[Content_Types].xml": CONTENT_TYPES, "word/document.xml": WORD, **more})


def xlsx(**more) -> bytes:
    return archive({"[Content_Types].xml": CONTENT_TYPES, "xl/workbook.xml": "<workbook/>", **more})


def ofd(**more) -> bytes:
    return archive({"OFD.xml": "<OFD/>", "Doc_0/Document.xml": "<Document/>", **more})


def mp4() -> bytes:
    def box(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(data), name) + data

    return box(b"ftyp", b"isom\0\0\0\0isommp42") + box(b"moov", b"\0" * 40) + box(b"mdat", b"\1" * 400)


GOOD = {
    "现场.jpg": picture(),
    "现场.png": picture("PNG"),
    "现场.webp": picture("WEBP"),
    "证据.pdf": pdf(),
    "通知.ofd": ofd(),
    "信.docx": docx(),
    "表.xlsx": xlsx(),
    "录像.mp4": mp4(),
    "名单.csv": "名称,金额\n甲厂,-5\n".encode(),
    "说明.txt": "情况如下：\r\n一、……".encode("gb18030"),
}
