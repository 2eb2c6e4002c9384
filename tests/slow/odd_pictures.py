"""Some four hundred odd picture files, made here, and what is right for each.

A case is a name, the file's content and what it shows: an array of RGB, or None where it cannot be
shown truthfully and has to be refused, or ANYTHING where either is right (a damaged file).
"""

import io
import random
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

ANYTHING = "anything"
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}


@dataclass(frozen=True)
class Case:
    name: str
    content: bytes
    shows: np.ndarray | str | None = ANYTHING
    tolerance: int = 0


def rgb(width=24, height=16) -> Image.Image:
    """Red grows to the right, green downwards, blue to the left."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).round().astype(np.uint8))


RGB = rgb()
GREY = RGB.convert("L")


def shown(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def on_white(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image.convert("RGBA")).astype(float)
    alpha = pixels[..., 3:] / 255
    return (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def file_of(image: Image.Image, form: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **settings)
    return buffer.getvalue()


def can_be_read_back(content: bytes) -> bool:
    """Older Pillows write some files that they cannot read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(io.BytesIO(content)).load()
        except OSError:
            return False
    return True


def cases() -> Iterator[Case]:
    for make in (
        *(modes, deep, pngs, compressions, orientations, sizes, animations, names),
        *(truncated, damaged, exifs, disguised, no_pictures, bombs),
    ):
        for case in make():
            yield Case(f"{make.__name__}-{case.name}", case.content, case.shows, case.tolerance)


# --- pictures that are right ---


def modes() -> Iterator[Case]:
    """Every mode in every format that can hold it."""
    see_through = RGB.copy()
    see_through.putalpha(Image.linear_gradient("L").resize(RGB.size))
    grey_through = GREY.copy()
    grey_through.putalpha(see_through.getchannel("A"))
    palette = RGB.quantize(64)
    keyed = RGB.quantize(64)
    keyed.info["transparency"] = keyed.getpixel((3, 3))
    black_and_white = RGB.convert("1")
    muted = Image.blend(RGB, Image.new("RGB", RGB.size, "grey"), 0.6)  # LAB holds no more colours
    lab = ImageCms.profileToProfile(
        muted, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    pictures = {
        "1": (black_and_white, shown(black_and_white)),
        "L": (GREY, shown(GREY)),
        "LA": (grey_through, on_white(grey_through)),
        "P": (palette, shown(palette)),
        "P-keyed": (keyed, on_white(keyed)),
        "RGB": (RGB, shown(RGB)),
        "RGBA": (see_through, on_white(see_through)),
        "CMYK": (RGB.convert("CMYK"), shown(RGB)),
        "YCbCr": (RGB.convert("YCbCr"), shown(RGB)),
        "LAB": (lab, shown(muted)),
    }
    not_written = {  # what Pillow writes in another way than it says
        ("WEBP", "LAB"),
        ("BMP", "RGBA"),
        ("BMP", "P-keyed"),
        ("GIF", "P-keyed"),
        ("TIFF", "P-keyed"),
    }
    for form, ending in FORMATS.items():
        for mode, (image, shows) in pictures.items():
            if (form, mode) in not_written:
                continue
            settings = {"lossless": True} if form == "WEBP" else {}
            if form == "JPEG":
                settings = {"quality": 100, "subsampling": 0}
            if mode == "P-keyed":
                settings["transparency"] = image.info["transparency"]
            try:
                content = file_of(image, form, **settings)
            except (OSError, ValueError):  # this format has no such mode
                continue
            if Image.open(io.BytesIO(content)).mode == "P" and mode in ("RGBA", "LA"):
                continue  # a GIF's pixel is transparent or it is not
            if not can_be_read_back(content):
                continue
            tolerance = {"LAB": 8, "YCbCr": 8 if form == "JPEG" else 3}.get(
                mode, 6 if form == "JPEG" else 1
            )
            if form == "GIF" and mode in ("RGB", "CMYK", "YCbCr"):
                tolerance = 40  # 256 colours
            yield Case(f"{mode}.{ending}", content, shows, tolerance)


def deep() -> Iterator[Case]:
    """Greyscale of more than 8 bits."""
    ramp = np.linspace(0, 1, 24 * 16).reshape(16, 24)
    grey = np.repeat((255 * ramp).round().astype(np.uint8)[..., None], 3, axis=2)
    sixteen = (65535 * ramp).round()
    for order, word in (("<u2", "little"), (">u2", "big")):
        image = Image.fromarray(sixteen.astype(order))
        for form in ("TIFF", "PNG"):
            yield Case(f"16-{word}.{FORMATS[form]}", file_of(image, form), grey, 1)
    negative = Image.fromarray((65535 - sixteen).astype("<u2"))
    yield Case("16-negative.tif", file_of(negative, "TIFF", tiffinfo={262: 0}), grey, 1)
    yield Case("12.tif", tiff_of_12_bits((4095 * ramp).round().astype(int)), grey, 1)
    yield Case("float.tif", file_of(Image.fromarray(ramp.astype("f4")), "TIFF"), grey, 1)
    for name, values in {
        "float-255": 255 * ramp,
        "float-negative": ramp - 0.5,
        "float-nan": np.where(ramp > 0.5, np.nan, ramp),
        "float-inf": np.where(ramp > 0.5, np.inf, ramp),
    }.items():
        yield Case(f"{name}.tif", file_of(Image.fromarray(values.astype("f4")), "TIFF"), None)
    for name, values in {"8": 255 * ramp, "16": sixteen, "31": (2**31 - 1) * ramp}.items():
        image = Image.fromarray(values.round().astype("i4"))
        yield Case(f"32-of-{name}.tif", file_of(image, "TIFF"), None)
    colour = np.asarray(RGB).astype(int)
    for order in "<>":
        yield Case(f"16-colour{ord(order)}.tif", tiff_of_16_bit_colour(257 * colour, order), colour)


def tiff(order: str, tags: dict[int, tuple[str, tuple[int, ...]]], strip: bytes) -> bytes:
    """A TIFF file of one strip, by hand."""
    tags = tags | {273: ("I", (0,)), 279: ("I", (len(strip),))}
    n_bytes = {"H": 2, "I": 4}
    extra_at = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    entries = []
    strip_at = extra_at + sum(
        n_bytes[kind] * len(v) for kind, v in tags.values() if n_bytes[kind] * len(v) > 4
    )
    for tag, (kind, values) in sorted(tags.items()):
        values = (strip_at,) if tag == 273 else values
        packed = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(packed) > 4:
            extra += packed
            packed = struct.pack(f"{order}I", extra_at + len(extra) - len(packed))
        type_of = {"H": 3, "I": 4}[kind]
        entries.append(
            struct.pack(f"{order}HHI", tag, type_of, len(values)) + packed.ljust(4, b"\0")
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    count = struct.pack(f"{order}H", len(entries))
    return head + count + b"".join(entries) + b"\0\0\0\0" + extra + strip


def tiff_of_16_bit_colour(values: np.ndarray, order: str) -> bytes:
    height, width, _ = values.shape
    tags = {256: width, 257: height, 259: 1, 262: 2, 277: 3, 278: height}
    entries = {tag: ("H", (value,)) for tag, value in tags.items()} | {258: ("H", (16, 16, 16))}
    return tiff(order, entries, values.astype(f"{order}u2").tobytes())


def tiff_of_12_bits(values: np.ndarray) -> bytes:
    height, width = values.shape
    pairs = values.reshape(-1, 2)
    packed = np.stack(
        [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1
    )
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 277: 1, 278: height}
    entries = {tag: ("H", (value,)) for tag, value in tags.items()}
    return tiff("<", entries, packed.astype(np.uint8).tobytes())


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + data


def pngs() -> Iterator[Case]:
    """PNGs of every depth, and transparency by one colour; two pixels each, black and white."""
    black_white = np.array([[[0] * 3, [255] * 3]], np.uint8)
    white_white = np.full((1, 2, 3), 255, np.uint8)
    for depth, row in {
        1: b"\x40",
        2: b"\x30",
        4: b"\x0f",
        8: b"\0\xff",
        16: b"\0\0\xff\xff",
    }.items():
        yield Case(f"grey-{depth}.png", png(2, 1, depth, 0, b"\0" + row), black_white)
        black_is_nothing = chunk(b"tRNS", b"\0\0")
        content = png(2, 1, depth, 0, b"\0" + row, black_is_nothing)
        yield Case(f"keyed-{depth}.png", content, white_white)
    for depth in (1, 2, 4, 8):
        row = {1: b"\x40", 2: b"\x10", 4: b"\x01", 8: b"\0\x01"}[depth]
        palette = chunk(b"PLTE", b"\0\0\0\xff\xff\xff")
        yield Case(f"palette-{depth}.png", png(2, 1, depth, 3, b"\0" + row, palette), black_white)
        content = png(2, 1, depth, 3, b"\0" + row, palette, chunk(b"tRNS", b"\0"))
        yield Case(f"palette-keyed-{depth}.png", content, white_white)
    for depth, row in {8: b"\0" * 3 + b"\xff" * 3, 16: b"\0" * 6 + b"\xff" * 6}.items():
        yield Case(f"colour-{depth}.png", png(2, 1, depth, 2, b"\0" + row), black_white)
        content = png(2, 1, depth, 2, b"\0" + row, chunk(b"tRNS", b"\0" * 6))
        yield Case(f"colour-keyed-{depth}.png", content, white_white)


def compressions() -> Iterator[Case]:
    grey = GREY.convert("1")
    for name in ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma"):
        for mode, image in {"RGB": RGB, "L": GREY, "CMYK": RGB.convert("CMYK")}.items():
            content = file_of(image, "TIFF", compression=name)
            yield Case(f"{name}-{mode}.tif", content, shown(image), 1)
    for name in ("group3", "group4", "tiff_ccitt"):
        yield Case(f"{name}.tif", file_of(grey, "TIFF", compression=name), shown(grey))
    yield Case("jpeg.tif", file_of(RGB, "TIFF", compression="jpeg", quality=100), shown(RGB), 6)
    for progressive in (False, True):
        for sampling in (0, 1, 2):
            content = file_of(
                RGB, "JPEG", quality=100, progressive=progressive, subsampling=sampling
            )
            name = f"progressive-{progressive}-{sampling}.jpg"
            yield Case(name, content, shown(RGB), 6 if sampling == 0 else 30)
    for level in (0, 1, 9):
        yield Case(f"level-{level}.png", file_of(RGB, "PNG", compress_level=level), shown(RGB))
    yield Case("lossy.webp", file_of(RGB, "WEBP", quality=95), shown(RGB), 40)
    for form in ("PNG", "JPEG", "WEBP", "TIFF"):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        content = file_of(RGB, form, icc_profile=profile, quality=100)
        yield Case(f"profile.{FORMATS[form]}", content, shown(RGB), 40)


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientations() -> Iterator[Case]:
    for orientation in range(10):  # 0 and 9 mean nothing
        upright = RGB.transpose(TURNS[orientation]) if orientation in TURNS else RGB
        exif = Image.Exif()
        exif[0x0112] = orientation
        for form in ("JPEG", "PNG", "WEBP", "TIFF"):
            settings = {"lossless": True} if form == "WEBP" else {"quality": 100}
            if form == "JPEG":
                settings["subsampling"] = 0
            content = file_of(RGB, form, exif=exif, **settings)
            yield Case(f"{orientation}.{FORMATS[form]}", content, shown(upright), 6)


def sizes() -> Iterator[Case]:
    for width, height in ((1, 1), (1, 2), (2, 1), (1, 3000), (3000, 1), (7, 5), (223, 225)):
        for form in ("PNG", "BMP", "TIFF"):
            image = rgb(width, height)
            name = f"{width}x{height}.{FORMATS[form]}"
            yield Case(name, file_of(image, form), shown(image))
        yield Case(f"{width}x{height}.jpg", file_of(rgb(width, height), "JPEG"))


def animations() -> Iterator[Case]:
    """The first picture counts."""
    others = [Image.new("RGB", RGB.size, colour) for colour in ("red", "blue")]
    for form, tolerance in {"PNG": 0, "WEBP": 0, "TIFF": 0, "GIF": 40, "MPO": 60}.items():
        settings = {"lossless": True} if form == "WEBP" else {}
        content = file_of(RGB, form, save_all=True, append_images=others, **settings)
        if can_be_read_back(content):
            yield Case(f"{form}.{FORMATS.get(form, 'mpo')}", content, shown(RGB), tolerance)


def names() -> Iterator[Case]:
    content = file_of(RGB, "PNG")
    for name in (
        *(
            "with space",
            "ümlaut",
            "日本語",
            "<img src=x onerror=alert(1)>",
            "a&amp;b",
            "$x_1$",
            "'",
            '"',
        ),
        *("-rf", "new\nline", "tab\t", "%s{}", "\x1b[31mred", "x" * 200, "a.jpg.exe", "\u202egpj"),
    ):
        yield Case(f"{name}.png", content, shown(RGB))
    for ending in ("jpg", "JPG", "Tiff", "webp", "heic"):  # the content counts
        yield Case(f"png-called.{ending}", content, shown(RGB))


# --- pictures that are not ---


def truncated() -> Iterator[Case]:
    for form, ending in FORMATS.items():
        content = file_of(rgb(60, 40), form)
        for tenth in range(10):
            cut = content[: max(1, len(content) * tenth // 10)]
            yield Case(f"{tenth}.{ending}", cut, None if tenth == 0 else ANYTHING)


def damaged() -> Iterator[Case]:
    """Bytes replaced by others, more of them at the beginning, where the headers are."""
    for form, ending in FORMATS.items():
        content = file_of(rgb(60, 40), form)
        for seed in range(16):
            chance = random.Random(seed)
            wrong = bytearray(content)
            for _ in range(1 + seed % 4):
                wrong[int(len(wrong) * chance.random() ** 3)] = chance.randrange(256)
            yield Case(f"{seed}.{ending}", bytes(wrong))


def exifs() -> Iterator[Case]:
    for name, exif in {
        "empty": b"Exif\0\0",
        "short": b"Exif\0\0MM\0*",
        "nothing": b"",
        "text": b"Exif\0\0I am no EXIF",
        "far": b"Exif\0\0MM\0*\xff\xff\xff\xff",
        "circle": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x08",
        "many": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        "turn-of-text": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x02\0\0\x006\0\0\0\0\0\0\0",
        "turn-of-many": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff\x06\0\0\0",
    }.items():
        for form in ("JPEG", "WEBP", "PNG"):
            yield Case(f"{name}.{FORMATS[form]}", file_of(RGB, form, exif=exif))


def disguised() -> Iterator[Case]:
    """Whatever else Pillow can write, called .jpg."""
    Image.init()
    for form in sorted(Image.SAVE):
        if form in (*FORMATS, "MPO", "DIB", "PDF", "GRIB", "BUFR", "HDF5", "WMF"):
            continue
        for image in (RGB, RGB.convert("L"), RGB.convert("1"), RGB.quantize()):
            try:
                yield Case(f"{form}.jpg", file_of(image, form), None)
            except Exception:  # this format has no such mode, or no encoder here
                continue
            break
    yield Case("PDF.jpg", file_of(RGB, "PDF"), None)
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n"
    for name in ("EPS-that-hangs.jpg", "EPS-that-hangs.png", "EPS-that-hangs.tif"):
        yield Case(name, program, None)


def no_pictures() -> Iterator[Case]:
    for name, content in {
        "nothing": b"",
        "text": b"I am no picture.",
        "html": b"<!DOCTYPE html><html></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "xpm": b"/* XPM */\nstatic char *x[] = {};",
        "json": b"{}",
        "zip": b"PK\5\6" + bytes(18),
        "elf": b"\x7fELF" + bytes(60),
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "noise": random.Random(0).randbytes(5000),
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
        "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "jxl": b"\0\0\0\x0cJXL \r\n\x87\n",
        "riff-wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
        **{f"head-of-{form}": head for form, head in HEADS.items()},
    }.items():
        for ending in ("jpg", "heic"):
            yield Case(f"{name}.{ending}", content, None)


HEADS = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "bmp": b"BM" + bytes(20),
    "tiff": b"II*\0\x08\0\0\0",
    "webp": b"RIFF\x1a\0\0\0WEBPVP8 ",
}


def bombs() -> Iterator[Case]:
    """A few bytes that announce far too many pixels."""
    for side in (12_000, 40_000, 2**31 - 1):
        yield Case(f"{side}.png", png(side, side, 8, 2, b""), None)
    for side in (12_000, 65_535):
        gif = b"GIF89a" + struct.pack("<HHBBB", side, side, 0, 0, 0)
        frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x08\x01\0\0;"
        yield Case(f"{side}.gif", gif + frame, None)
        bmp = b"BM" + struct.pack("<IHHI", 54, 0, 0, 54)
        head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        yield Case(f"{side}.bmp", bmp + head, None)
        tags = {259: 1, 262: 1, 258: 8, 277: 1}
        entries = {tag: ("H", (value,)) for tag, value in tags.items()}
        size = {256: ("I", (side,)), 257: ("I", (side,)), 278: ("I", (side,))}
        yield Case(f"{side}.tif", tiff("<", entries | size, b""), None)
        jpeg = bytearray(file_of(RGB, "JPEG"))
        at = jpeg.index(b"\xff\xc0") + 5
        jpeg[at : at + 4] = struct.pack(">HH", side, side)
        yield Case(f"{side}.jpg", bytes(jpeg), None)
    hidden = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000)))
    yield Case("text.png", png(1, 1, 8, 0, b"\0\0", hidden))
