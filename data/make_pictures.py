#!/usr/bin/env python3
"""Makes the pictures of this folder: clouds of apps/examples/make_clouds.c in every kind of file that Furrow reads.

    python3 data/make_pictures.py build/release/apps/make_clouds

Needs Pillow, which neither Furrow nor its tests do. Interlaced PNG and PSD, which Pillow does not write, are written here.
"""
import csv
import os
import struct
import subprocess
import sys
import tempfile
import zlib

from PIL import Image

HEIGHT, WIDTH = 210, 315
here = os.path.dirname(os.path.abspath(__file__))


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def save_interlaced(image, path):
    """Adam7, no filter (PNG specification, 8.2)."""
    channels = len(image.getbands())
    rows = [image.tobytes()[y * image.width * channels:(y + 1) * image.width * channels] for y in range(image.height)]
    raw = b""
    for y0, x0, dy, dx in (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1):
        for y in range(y0, image.height, dy):
            line = b"".join(rows[y][x * channels:(x + 1) * channels] for x in range(x0, image.width, dx))
            raw += b"\0" + line if line else b""
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, {"RGB": 2, "RGBA": 6}[image.mode], 0, 0, 1)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(raw, 9)) +
                   png_chunk(b"IEND", b""))


def save_psd(image, path):
    """Only the merged picture, not compressed, one plane after the other (Adobe's file format specification)."""
    planes = b"".join(plane.tobytes() for plane in image.split())
    with open(path, "wb") as file:
        file.write(b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, image.height, image.width, 8, 3) + struct.pack(">IIIH", 0, 0, 0, 0) +
                   planes)


def with_alpha(image):
    alpha = image.convert("L").point(lambda v: 255 if v > 60 else 4 * v)
    if image.mode == "L":
        return Image.merge("LA", (image, alpha))
    return Image.merge("RGBA", (*image.split(), alpha))


def sixteen_bits(image):
    """The high byte is the picture, the low one a gradient."""
    gray = image.convert("L")
    return Image.frombytes("I;16", gray.size, b"".join(bytes((i % 251, v)) for i, v in enumerate(gray.tobytes())))


def turned(image, path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: the top is at the right
    image.transpose(Image.Transpose.ROTATE_90).save(path, quality=85, exif=exif)


def kinds():
    jpeg = lambda **options: lambda image, path: image.save(path, quality=85, **options)
    yield "baseline.jpg", jpeg()
    yield "progressive.jpg", jpeg(progressive=True)
    yield "full-colour.jpg", jpeg(subsampling=0)
    yield "half-colour.jpg", jpeg(subsampling=1)
    yield "gray.jpg", lambda image, path: image.convert("L").save(path, quality=85)
    yield "inks.jpg", lambda image, path: image.convert("CMYK").save(path, quality=85)
    yield "turned.jpg", turned
    yield "colour.png", lambda image, path: image.save(path, optimize=True)
    yield "palette.png", lambda image, path: image.quantize(64).save(path, optimize=True)
    yield "transparent.png", lambda image, path: with_alpha(image).save(path, optimize=True)
    yield "gray-transparent.png", lambda image, path: with_alpha(image.convert("L")).save(path, optimize=True)
    yield "sixteen-bits.png", lambda image, path: sixteen_bits(image).save(path, optimize=True)
    yield "interlaced.png", save_interlaced
    yield "frame.gif", lambda image, path: image.quantize(128).save(path)
    yield "colour.bmp", lambda image, path: image.save(path)
    yield "palette.bmp", lambda image, path: image.quantize(256).save(path)
    yield "colour.tga", lambda image, path: image.save(path)
    yield "packed.tga", lambda image, path: image.quantize(16).convert("RGB").save(path, compression="tga_rle")
    yield "colour.psd", save_psd
    yield "colour.ppm", lambda image, path: image.save(path)
    yield "gray.pgm", lambda image, path: image.convert("L").save(path)


def main():
    saves = list(kinds())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder, str(len(saves)), str(HEIGHT), str(WIDTH), "7"], check=True)
        with open(os.path.join(folder, "labels.csv"), newline="") as file:
            labels = list(csv.reader(file))
        rows = [labels[0]]
        for (name, save), label in zip(saves, labels[1:]):
            with Image.open(os.path.join(folder, label[0])) as image:
                save(image.convert("RGB"), os.path.join(here, name))
            rows.append([name] + label[1:])
    with open(os.path.join(here, "labels.csv"), "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


main()
