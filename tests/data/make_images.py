#!/usr/bin/env python3
"""Write images/ and image_values.h: small pictures of every kind, and what Pillow and OpenCV make of them.

    python3 make_images.py          needs python3-pil, python3-opencv, libjpeg-turbo-progs (jpegtran)

A picture NAME has its pixels beside it in NAME.rgb: height x width x 3 bytes, as Pillow's convert("RGB") gives them
where no other source is named below. Resized pictures are in resize-*.rgb and, of one channel, gray-*.luma.
"""
import io
import pathlib
import struct
import subprocess
import zlib

import cv2
import numpy
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "images"
HEIGHT, WIDTH = 19, 23
pictures = []   # file, format, height, width, channels, bits, orientation, tolerance
resizes = []    # file, height, width, fit, filter, full, pixels, tolerance
grays = []      # the same; one channel
rng = numpy.random.default_rng(4)


def smooth(height, width, channels=3, seed=0):
    """Slopes, waves and edges: colours of a photograph rather than noise."""
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    planes = []
    for c in range(channels):
        p = seed + c
        wave = 60 * numpy.sin(x / (5 + p) + p) + 50 * numpy.cos(y / (4 + 2 * p)) + 2 * x - y
        disk = 70 * ((x - width / 2) ** 2 + (y - height / (2 + c)) ** 2 < (min(height, width) / 4) ** 2)
        planes.append(128 + wave - disk)
    return numpy.clip(numpy.stack(planes, 2), 0, 255).astype("u1")


BASE = smooth(HEIGHT, WIDTH)
NOISE = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype="u1")


def put(name, data):
    (FOLDER / name).write_bytes(data)
    return name


def pixels_of(data):
    image = Image.open(io.BytesIO(data))
    return numpy.asarray(image.convert("RGB"))


def picture(name, data, channels, bits=8, orientation=1, tolerance=0, pixels=None, stored=None):
    """A file, and its pixels after orientation."""
    kind = {"jpg": "JPEG", "ppm": "PNM", "pgm": "PNM", "pbm": "PNM"}.get(name.split(".")[1], name.split(".")[1].upper())
    pixels = pixels_of(data) if pixels is None else pixels
    put(name, data)
    put(name + ".rgb", numpy.ascontiguousarray(pixels).tobytes())
    height, width = stored or pixels.shape[:2]
    pictures.append((name, kind, height, width, channels, bits, orientation, tolerance))


def saved(image, kind, **options):
    out = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, numpy.ndarray) else image).save(out, kind, **options)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------------- PNG
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(row, bits):
    """Samples of one row (of any shape), to bytes."""
    row = numpy.asarray(row).reshape(-1)
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype("u1").tobytes()
    text = "".join(format(int(v), f"0{bits}b") for v in row)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def png(samples, bits, colour, interlace=False, extra=b"", filters=(0,)):
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlace:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    data = b""
    for top, left, down, across in passes:
        part = samples[top::down, left::across]
        if part.size:
            data += b"".join(b"\0" + packed(row, bits) for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlace))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) +
            chunk(b"IEND", b""))


def make_png():
    gray = BASE[:, :, 0]
    alpha = smooth(HEIGHT, WIDTH, 1, 7)
    rgba = numpy.concatenate([BASE, alpha], 2)
    picture("rgb.png", saved(NOISE, "PNG"), 3)
    picture("rgba.png", saved(rgba, "PNG"), 4, pixels=BASE)
    picture("gray.png", saved(gray, "PNG"), 1)
    picture("gray-alpha.png", saved(numpy.stack([gray, alpha[:, :, 0]], 2), "PNG"), 2,
            pixels=numpy.repeat(gray[:, :, None], 3, 2))
    for bits in (1, 2, 4):
        samples = gray >> (8 - bits)
        picture(f"gray{bits}.png", png(samples, bits, 0), 1, bits,
                pixels=numpy.repeat((samples * (255 // (2**bits - 1)))[:, :, None], 3, 2).astype("u1"))
    colours = rng.integers(0, 256, (256, 3), dtype="u1")
    for bits in (1, 2, 4, 8):
        samples = (gray.astype(int) + numpy.arange(WIDTH)) % 2**bits
        extra = chunk(b"PLTE", colours[:2**bits].tobytes()) + chunk(b"tRNS", bytes(range(2**bits)))
        picture(f"palette{bits}.png", png(samples, bits, 3, extra=extra), 1, bits, pixels=colours[samples])
    key = chunk(b"tRNS", struct.pack(">HHH", *BASE[3, 4]))
    picture("rgb-key.png", png(BASE, 8, 2, extra=key), 3, pixels=BASE)
    deep = rng.integers(0, 65536, (HEIGHT, WIDTH, 4), dtype="u2")
    high = (deep >> 8).astype("u1")
    picture("gray16.png", png(deep[:, :, 0], 16, 0), 1, 16, pixels=numpy.repeat(high[:, :, :1], 3, 2))
    picture("rgb16.png", png(deep[:, :, :3], 16, 2), 3, 16, pixels=high[:, :, :3])
    picture("rgba16.png", png(deep, 16, 6), 4, 16, pixels=high[:, :, :3])
    assert (pixels_of((FOLDER / "rgb16.png").read_bytes()) == high[:, :, :3]).all()
    picture("interlaced.png", png(NOISE, 8, 2, interlace=True), 3)
    picture("interlaced-palette4.png", png(gray >> 4, 4, 3, True, chunk(b"PLTE", colours[:16].tobytes())), 1, 4,
            pixels=colours[gray >> 4])
    picture("interlaced-2x1.png", png(NOISE[:1, :2], 8, 2, interlace=True), 3)
    picture("gray-key.png", png(gray, 8, 0, extra=chunk(b"tRNS", struct.pack(">H", gray[3, 4]))), 1,
            pixels=numpy.repeat(gray[:, :, None], 3, 2))
    picture("gray-alpha16.png", png(deep[:, :, :2], 16, 4), 2, 16, pixels=numpy.repeat(high[:, :, :1], 3, 2))
    exif = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x112, 3, 1, 6, 0) + bytes(4)
    turned = saved(BASE, "PNG", exif=b"Exif\0\0" + exif)
    assert b"eXIf" in turned
    picture("exif6.png", turned, 3, orientation=6, stored=(HEIGHT, WIDTH),
            pixels=numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(turned)))))


# ------------------------------------------------------------------------------------------------------------ JPEG
def jpegtran(data, *options):
    return subprocess.run(["jpegtran", "-copy", "all", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def adobe(transform):
    return b"\xff\xee" + struct.pack(">H", 14) + b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform)


def make_jpeg():
    quality = {"quality": 88}
    base = saved(BASE, "JPEG", subsampling="4:4:4", **quality)
    picture("444.jpg", base, 3, tolerance=2)
    picture("422.jpg", saved(BASE, "JPEG", subsampling="4:2:2", **quality), 3, tolerance=2)
    picture("420.jpg", saved(BASE, "JPEG", subsampling="4:2:0", **quality), 3, tolerance=2)
    picture("411.jpg", saved(BASE, "JPEG", subsampling="4:1:1", **quality), 3, tolerance=2)
    columns = numpy.tile(numpy.array([(250, 20, 30), (20, 40, 240)], "u1").repeat(2, 0), (16, 5, 1))  # colours to the edge
    picture("edges.jpg", saved(columns, "JPEG", subsampling="4:2:2", **quality), 3, tolerance=2)
    picture("440.jpg", jpegtran(saved(BASE.transpose(1, 0, 2)[:16, :16], "JPEG", subsampling="4:2:2", **quality),
                                "-transpose"), 3, tolerance=2)
    picture("gray.jpg", saved(BASE[:, :, 1], "JPEG", **quality), 1, tolerance=2)
    picture("progressive.jpg", saved(BASE, "JPEG", progressive=True, **quality), 3, tolerance=2)
    picture("progressive-gray.jpg", saved(BASE[:, :, 1], "JPEG", progressive=True, **quality), 1, tolerance=2)
    picture("restart.jpg", jpegtran(base, "-restart", "2B"), 3, tolerance=2)
    cmyk = saved(Image.fromarray(smooth(HEIGHT, WIDTH, 4), "CMYK"), "JPEG", **quality)
    picture("cmyk.jpg", cmyk, 4, tolerance=2)
    assert adobe(0) in cmyk
    picture("ycck.jpg", cmyk.replace(adobe(0), adobe(2)), 4, tolerance=2)
    assert base[2:4] == b"\xff\xe0"
    plain = base[:2] + adobe(0) + base[4 + struct.unpack(">H", base[4:6])[0]:]
    picture("rgb.jpg", plain, 3, tolerance=2)
    put("arithmetic.jpg", jpegtran(base, "-arithmetic"))
    small = Image.fromarray(smooth(16, 24))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        data = saved(small, "JPEG", subsampling="4:4:4", quality=92, exif=exif.tobytes())
        turned = numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        picture(f"exif{orientation}.jpg", data, 3, orientation=orientation, tolerance=2, pixels=turned, stored=(16, 24))


# ----------------------------------------------------------------------------------------------------------- others
def lzw(pixels):
    """Codes of 9 to 12 bits. When the table is full it stays as it is, which encoders may do."""
    table = {bytes([i]): i for i in range(256)}
    size, used, text, out = 9, 258, b"", [(256, 9)]
    for pixel in pixels:
        longer = text + bytes([pixel])
        if longer in table:
            text = longer
            continue
        out.append((table[text], size))
        if used < 4096:
            table[longer] = used
            size += used == 2**size and size < 12
            used += 1
        text = bytes([pixel])
    word, shift = 0, 0
    for code, size in out + [(table[text], size), (257, size)]:
        word |= code << shift
        shift += size
    data = word.to_bytes((shift + 7) // 8, "little")
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def make_gif():
    side = 70
    noise = rng.integers(0, 256, side * side, dtype="u1").tobytes()
    colours = bytes(range(256)) + bytes(range(255, -1, -1)) + bytes(256)
    header = b"GIF87a" + struct.pack("<HHBBB", side, side, 0xf7, 0, 0) + colours
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x08" + lzw(noise)
    picture("full-table.gif", header + frame + b";", 1)
    quantized = Image.fromarray(BASE).quantize(100)
    picture("palette.gif", saved(quantized, "GIF", interlace=0), 1)
    picture("interlaced.gif", saved(quantized, "GIF", interlace=1), 1)
    picture("noise.gif", saved(Image.fromarray(NOISE[:, :, 0]), "GIF", interlace=0), 1)
    picture("transparent.gif", saved(quantized, "GIF", transparency=3), 1,
            pixels=numpy.asarray(quantized.convert("RGB")))
    other = Image.fromarray(NOISE).quantize(8)
    picture("frames.gif", saved(quantized, "GIF", save_all=True, append_images=[other]), 1)
    two = Image.fromarray((BASE[:, :, 0] > 128).astype("u1") * 255).convert("1")
    picture("two-colours.gif", saved(two, "GIF"), 1)


def bmp(bits, rows, header=40, compression=0, palette=b"", masks=b"", height=HEIGHT):
    body = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    offset = 14 + header + len(masks if header == 40 else b"") + len(palette)
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(body), 0, 0, 0, 0) + masks
        info += b"\0" * (header - len(info)) if header > 40 else b""
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + palette + body


def make_bmp():
    picture("rgb.bmp", saved(NOISE, "BMP"), 3)
    picture("gray.bmp", saved(BASE[:, :, 0], "BMP"), 1)
    picture("palette.bmp", saved(Image.fromarray(BASE).quantize(256), "BMP"), 1)
    two = Image.fromarray((BASE[:, :, 0] > 99).astype("u1") * 255).convert("1")
    picture("two-colours.bmp", saved(two, "BMP"), 1, 1)
    bgr = NOISE[:, :, ::-1]
    flipped = bgr[::-1]
    picture("from-top.bmp", bmp(24, [row.tobytes() for row in bgr], height=-HEIGHT), 3, pixels=NOISE)
    picture("os2.bmp", bmp(24, [row.tobytes() for row in flipped], header=12), 3, pixels=NOISE)
    picture("v5.bmp", bmp(24, [row.tobytes() for row in flipped], header=124), 3, pixels=NOISE)
    colours = rng.integers(0, 256, (16, 4), dtype="u1")
    samples = NOISE[:, :, 0] >> 4
    picture("palette4.bmp", bmp(4, [packed(row, 4) for row in samples[::-1]], palette=colours.tobytes()), 1, 4,
            pixels=colours[samples][:, :, 2::-1])
    wide = numpy.concatenate([flipped, smooth(HEIGHT, WIDTH, 1, 5)], 2)
    picture("rgb32.bmp", bmp(32, [row.tobytes() for row in wide]), 4, pixels=NOISE)
    five = (NOISE >> 3).astype("u2")
    words = five[:, :, 0] << 10 | five[:, :, 1] << 5 | five[:, :, 2]
    data = bmp(16, [row.astype("<u2").tobytes() for row in words[::-1]])
    picture("rgb555.bmp", data, 3, tolerance=1)
    words = five[:, :, 0] << 11 | (NOISE[:, :, 1] >> 2).astype("u2") << 5 | five[:, :, 2]
    data = bmp(16, [row.astype("<u2").tobytes() for row in words[::-1]], compression=3,
               masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f))
    picture("rgb565.bmp", data, 3, tolerance=1)


def tga(kind, bits, body, descriptor=0x20, palette=b"", palette_count=0, palette_bits=0, start=0):
    return struct.pack("<BBBHHBHHHHBB", 0, int(palette_count > 0), kind, start, palette_count, palette_bits, 0, 0,
                       WIDTH, HEIGHT, bits, descriptor) + palette + body


def make_tga():
    flat = BASE.copy()
    flat[5:15, 5:20] = (9, 200, 77)
    alpha = numpy.concatenate([BASE, smooth(HEIGHT, WIDTH, 1, 3)], 2)
    picture("rgb.tga", saved(NOISE, "TGA"), 3)
    picture("rle.tga", saved(flat, "TGA", compression="tga_rle"), 3)
    picture("rgba.tga", saved(alpha, "TGA"), 4, pixels=BASE)
    picture("gray.tga", saved(BASE[:, :, 0], "TGA"), 1)
    picture("gray-rle.tga", saved(flat[:, :, 0], "TGA", compression="tga_rle"), 1)
    picture("from-bottom.tga", tga(2, 24, NOISE[::-1, :, ::-1].tobytes(), 0), 3)
    colours = rng.integers(0, 256, (256, 3), dtype="u1")
    picture("palette.tga", tga(1, 8, NOISE[:, :, 0].tobytes(), palette=colours.tobytes(), palette_count=256,
                               palette_bits=24), 1, pixels=colours[NOISE[:, :, 0]][:, :, ::-1])


def psd(compression, body, bits=8, channels=3):
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, HEIGHT, WIDTH, bits, 3)
    return header + bytes(12) + struct.pack(">H", compression) + body


def pack_bits(row):
    """Runs where two bytes are equal, else literals."""
    out, i = b"", 0
    while i < len(row):
        run = 1
        while i + run < len(row) and run < 128 and row[i + run] == row[i]:
            run += 1
        if run > 1:
            out += bytes([257 - run, row[i]])
        else:
            while i + run < len(row) and run < 128 and (i + run + 1 >= len(row) or row[i + run] != row[i + run + 1]):
                run += 1
            out += bytes([run - 1]) + bytes(row[i:i + run])
        i += run
    return out


def make_psd():
    planes = NOISE.transpose(2, 0, 1)
    picture("raw.psd", psd(0, planes.tobytes()), 3)
    flat = numpy.ascontiguousarray((BASE >> 5 << 5).transpose(2, 0, 1))
    rows = [pack_bits(row.tobytes()) for row in flat.reshape(-1, WIDTH)]
    body = b"".join(struct.pack(">H", len(row)) for row in rows) + b"".join(rows)
    picture("rle.psd", psd(1, body), 3, pixels=BASE >> 5 << 5)
    assert (pixels_of((FOLDER / "rle.psd").read_bytes()) == BASE >> 5 << 5).all()
    deep = planes.astype(">u2") * 256 + 99
    picture("deep.psd", psd(0, deep.astype(">u2").tobytes(), 16), 3, 16, pixels=NOISE)


def make_pnm():
    gray, size = BASE[:, :, 0], f"{WIDTH} {HEIGHT}"
    triple = numpy.repeat(gray[:, :, None], 3, 2)
    bits = (gray > 120).astype("u1")
    black = numpy.repeat((255 - 255 * bits)[:, :, None], 3, 2)
    picture("rgb.ppm", saved(NOISE, "PPM"), 3)
    picture("gray.pgm", saved(gray, "PPM"), 1)
    rows = b"".join(packed(row, 1) for row in bits)
    picture("bits.pbm", f"P4\n# a comment\n{size}\n".encode() + rows, 1, 1, pixels=black)
    text = lambda values: "\n".join(" ".join(str(v) for v in row.reshape(-1)) for row in values)
    picture("text.ppm", f"P3 {size} 255 {text(NOISE)}\n".encode(), 3, pixels=NOISE)
    picture("text.pgm", f"P2\n{size}\n# white\n255\n{text(gray)}\n".encode(), 1, pixels=triple)
    joined = "\n".join("".join(map(str, row)) for row in bits)
    picture("text.pbm", f"P1\n{size}\n{joined}\n".encode(), 1, 1, pixels=black)
    deep = rng.integers(0, 65536, (HEIGHT, WIDTH, 3), dtype="u2")
    picture("deep.ppm", f"P6 {size} 65535\n".encode() + deep.astype(">u2").tobytes(), 3, 16,
            pixels=(deep >> 8).astype("u1"))
    low = gray % 101
    picture("hundred.pgm", f"P5 {size} 100\n".encode() + low.tobytes(), 1,
            pixels=numpy.repeat(numpy.floor(low / 100 * 255 + 0.5)[:, :, None], 3, 2).astype("u1"))


# ---------------------------------------------------------------------------------------------------------- resize
FILTERS = {"NEAREST": Image.NEAREST, "BOX": Image.BOX, "LINEAR": Image.BILINEAR, "CUBIC": Image.BICUBIC,
           "LANCZOS": Image.LANCZOS}


def resized(file, size, fit, name, pixels, full=True, tolerance=0):
    out = f"resize-{len(resizes)}.rgb"
    put(out, numpy.ascontiguousarray(pixels).tobytes())
    resizes.append((file, size[0], size[1], fit, name, full, out, tolerance))


def gray(file, size, fit, name, pixels, tolerance=0):
    out = f"gray-{len(grays)}.luma"
    put(out, numpy.ascontiguousarray(pixels).tobytes())
    grays.append((file, size[0], size[1], fit, name, True, out, tolerance))


def make_resizes():
    image = Image.open(FOLDER / "rgb.png")
    for name, value in FILTERS.items():
        for height, width in ((7, 5), (HEIGHT, 11), (26, 33), (8, 40), (1, 1)):
            resized("rgb.png", (height, width), "STRETCH", name, image.resize((width, height), value))
        resized("rgb.png", (12, 12), "CROP", name, ImageOps.fit(image, (12, 12), value))
        resized("rgb.png", (15, 30), "PAD", name, ImageOps.pad(image, (30, 15), value, color=0))
    both = image.resize((11, HEIGHT), Image.BOX).resize((11, 30), Image.BILINEAR)
    resized("rgb.png", (30, 11), "STRETCH", "AUTO", both)
    resized("rgb.png", (30, 7), "PAD", "BOX", ImageOps.pad(image, (7, 30), Image.BOX, color=0))
    turned = ImageOps.exif_transpose(Image.open(FOLDER / "exif6.png"))
    for fit, made in (("STRETCH", turned.resize((20, 14), Image.BOX)),
                      ("CROP", ImageOps.fit(turned, (20, 14), Image.BOX)),
                      ("PAD", ImageOps.pad(turned, (20, 14), Image.BOX, color=0))):
        # Turned before it is resized there, after it here: another order of the two roundings.
        resized("exif6.png", (14, 20), fit, "BOX", made, tolerance=1)
    for height, width in ((9, 11), (18, 22), (4, 7)):  # OpenCV rounds once, after both axes
        area = cv2.resize(NOISE, (width, height), interpolation=cv2.INTER_AREA)
        resized("rgb.png", (height, width), "STRETCH", "AREA", area, tolerance=1)

    large = saved(smooth(64, 96, 3, 9), "JPEG", quality=85, subsampling="4:2:0")
    picture("large.jpg", large, 3, tolerance=2)
    for eighths, height, width in ((4, 32, 48), (2, 16, 24), (1, 8, 12), (4, 25, 39), (2, 13, 11)):
        draft = Image.open(io.BytesIO(large))
        draft.draft("RGB", (96 * eighths // 8, 64 * eighths // 8))
        assert draft.size == (96 * eighths // 8, 64 * eighths // 8)
        resized("large.jpg", (height, width), "STRETCH", "BOX", draft.resize((width, height), Image.BOX), False, 2)
    whole = Image.open(io.BytesIO(large))
    resized("large.jpg", (13, 11), "STRETCH", "BOX", whole.resize((11, 13), Image.BOX), True, 2)


def fitted(image, fit, height, width, how):
    if fit == "STRETCH":
        return image.resize((width, height), how)
    return ImageOps.fit(image, (width, height), how) if fit == "CROP" else ImageOps.pad(image, (width, height), how, color=0)


def make_turned():
    """Every orientation with every fit, of a JPEG that is decoded at 2/8."""
    image = Image.fromarray(smooth(64, 96, 3, 2))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        data = saved(image, "JPEG", quality=90, subsampling="4:2:0", exif=exif.tobytes())
        name = put(f"turned{orientation}.jpg", data)
        draft = Image.open(io.BytesIO(data))
        draft.draft("RGB", (24, 16))
        assert draft.size == (24, 16)
        turned = ImageOps.exif_transpose(draft)
        quarter = turned.size[::-1]
        for fit, (height, width) in (("STRETCH", quarter), ("CROP", (13, 11)), ("PAD", (15, 30))):
            # Turned before it is resized there, after it here.
            resized(name, (height, width), fit, "BOX", fitted(turned, fit, height, width, Image.BOX), False, 3)


def make_grays():
    """Of a lossless file as Pillow's convert("L"), of a JPEG as cv2.IMREAD_GRAYSCALE."""
    luma = Image.open(FOLDER / "rgb.png").convert("L")
    gray("rgb.png", (HEIGHT, WIDTH), "STRETCH", "BOX", luma)
    for name, value in FILTERS.items():
        for fit, height, width in (("STRETCH", 7, 30), ("CROP", 12, 12), ("PAD", 15, 30)):
            gray("rgb.png", (height, width), fit, name, fitted(luma, fit, height, width, value))
    for file in ("420.jpg", "444.jpg", "progressive.jpg", "gray.jpg"):
        gray(file, (HEIGHT, WIDTH), "STRETCH", "BOX", cv2.imread(str(FOLDER / file), cv2.IMREAD_GRAYSCALE), 2)


def rows_of(name, entries):
    lines = ["static const struct {", "    const char *name;", "    int64_t height, width;", "    furrow_fit_t fit;",
             "    furrow_filter_t filter;", "    bool full_decode;", "    const char *pixels;", "    int tolerance;",
             f"}} {name}[] = {{"]
    for file, height, width, fit, kind, full, out, tolerance in entries:
        lines.append(f'    {{"{file}", {height}, {width}, FURROW_FIT_{fit}, FURROW_FILTER_{kind}, {str(full).lower()}, '
                     f'"{out}", {tolerance}}},')
    return lines + ["};", ""]


def make_header():
    lines = ["/* Made by make_images.py; do not edit. */", "/* clang-format off */",
             "#ifndef FURROW_TESTS_IMAGE_VALUES_H", "#define FURROW_TESTS_IMAGE_VALUES_H", "",
             '#include "furrow_image.h"', "",
             "/* As stored; the pixels are in images/NAME.rgb, after orientation. */", "static const struct {",
             "    const char *name, *format;", "    int64_t height, width;",
             "    int channels, bits, orientation, tolerance;", "} pictures[] = {"]
    for name, kind, *numbers in pictures:
        lines.append(f'    {{"{name}", "{kind}", {", ".join(str(int(n)) for n in numbers)}}},')
    lines += ["};", "", "/* To another size: pixels in RGB, then of one channel. */"]
    lines += rows_of("resizes", resizes) + rows_of("grays", grays) + ["#endif", ""]
    (HERE / "image_values.h").write_text("\n".join(lines))


FOLDER.mkdir(exist_ok=True)
for old in FOLDER.iterdir():
    old.unlink()
for make in (make_png, make_jpeg, make_gif, make_bmp, make_tga, make_psd, make_pnm, make_resizes, make_turned, make_grays, make_header):
    make()
