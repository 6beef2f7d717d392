#!/usr/bin/env python3
"""Writes tests/data/npy: small .npy files by NumPy, and what NumPy says about each in expected.csv.

Needs NumPy 1.23 or later (earlier ones pad headers differently). The output is the same at each run.
Columns: file, read, dtype, order, fortran, shape, version, offset, items, bytes, saved
  read     ok, truncated (a header without its data), or what is not supported in plain words
  shape    lengths joined by x, - for none
  saved    1 if the header is what numpy.save writes for an array in C order and this byte order
"""
import io
import pathlib
import shutil
import struct
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "npy"
DTYPES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
NATIVE = "<" if sys.byteorder == "little" else ">"
rows = []


def facts(content):
    """What NumPy reads from a header: version, shape, Fortran order, dtype, offset of the data."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    shape, fortran, dtype = np.lib.format._read_array_header(file, version)
    return version, shape, fortran, dtype, file.tell()


def name_of(dtype):
    return "bool" if dtype.kind == "b" else dtype.str[1:]


def add(name, content, read="ok", saved=False):
    version, shape, fortran, dtype, offset = facts(content)
    items = int(np.prod(shape, dtype=object)) if shape else 1
    (FOLDER / name).write_bytes(content)
    rows.append([name, read, name_of(dtype), dtype.str[0], int(fortran), "x".join(map(str, shape)) or "-",
                 "%d.%d" % version, offset, items, items * dtype.itemsize, int(saved)])


def add_saved(name, array, read="ok", version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    native = array.dtype.str[0] in ("|", NATIVE)
    saved = read == "ok" and native and array.flags.c_contiguous and version in (None, (1, 0))
    add(name, file.getvalue(), read, saved)


def add_text(name, text, data=b"", version=(1, 0)):
    """A header that NumPy reads but does not write."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    add(name, b"\x93NUMPY" + bytes(version) + length + text.encode() + data)


def add_header_only(name, shape, descr):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    add(name, file.getvalue(), "ok" if 0 in shape else "truncated", descr[0] in ("|", NATIVE))


def dtypes_orders_layouts():
    for text in DTYPES:
        for order, word in [("<", "le"), (">", "be")]:
            dtype = np.dtype(order + text)
            if dtype.itemsize == 1 and order == ">":
                continue
            array = np.arange(6).reshape(2, 3).astype(dtype)
            add_saved(f"{text}_{word}_c.npy", array)
            add_saved(f"{text}_{word}_f.npy", np.asfortranarray(array))


def shapes():
    add_saved("no_axes.npy", np.float64(1.5).reshape(()))
    add_saved("no_axes_be.npy", np.array(1.5, ">f8"))
    add_saved("one_axis.npy", np.arange(5.0))
    add_saved("no_rows.npy", np.zeros((0, 3)))
    add_saved("no_columns.npy", np.zeros((3, 0)))
    add_saved("no_items.npy", np.zeros(0, "i4"))
    add_saved("no_rows_f.npy", np.zeros((0, 3, 2), order="F"))
    add_saved("axes_32.npy", np.zeros((1,) * 31 + (2,)))
    add_saved("slice.npy", np.arange(24.0).reshape(4, 6)[::2, ::3])
    add_header_only("long.npy", (2**31, 3), "<f8")
    add_header_only("longest.npy", (2**63 - 2**21,), "|u1")
    add_header_only("long_empty.npy", (0, 2**59), "<f8")
    for digits in range(1, 12):  # the header's dictionary grows through a multiple of 64
        add_header_only(f"padding_{digits:02}.npy", (7, 10**digits, 0) + (1,) * 8, "<i2")
    add_header_only("digits_19.npy", (10**18, 3), "|b1")


def versions():
    for version in [(1, 0), (2, 0), (3, 0)]:
        for layout in "CF":
            array = np.array([[1, 2], [3, 4]], "<i4", order=layout)
            add_saved(f"version_{version[0]}_{layout.lower()}.npy", array, version=version)


def spellings():
    data = bytes(16)
    plain = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
    add_text("no_padding.npy", plain, data)
    add_text("padding_16.npy", plain + " " * (80 - 10 - len(plain) - 1) + "\n", data)
    add_text("only_spaces.npy", plain + " " * 61, data)
    add_text("newlines.npy", "\n{\n'descr'\n:\n'<f8'\n,\n'fortran_order':\tFalse,\r\n'shape':\n(\n2\n,\n)\n}\n\n", data)
    add_text("no_spaces.npy", "{'descr':'<f8','fortran_order':False,'shape':(2,)}\n", data)
    add_text("double_quotes.npy", '{"descr": "<f8", "fortran_order": False, "shape": (2,)}\n', data)
    add_text("key_order.npy", "{'shape': (1, 2), 'fortran_order': True, 'descr': '>f8'}\n", data)
    add_text("python2_long.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L), }\n", data)
    add_text("python2_long_v2.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }\n", data, (2, 0))
    add_text("python2_unicode.npy", "{u'descr': u'<f8', u'fortran_order': False, u'shape': (2,), }\n", data)
    add_text("repeated_key.npy", "{'descr': '|O', 'shape': (9, 9), 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", data)
    add_text("shape_comma.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,2,), }\n", data)
    add_text("signs.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (-0, + 2, 00), }\n")
    add_text("more_data.npy", plain, data + b"beyond the array")
    add_text("version_3_no_padding.npy", plain, data, (3, 0))


def dtype_spellings():
    for index, descr in enumerate(["f8", "=f8", "|f8", "d", "<d", ">d", "float64", "?", "|?", "bool", ">b1", "b", "B",
                                   "uint8", "<i1", "h", "H", "int16", "i", "I", "uint32", "l", "L", "q", "Q", "p", "P",
                                   "int64", "e", ">f", "float16", "F", "D", ">D", "complex64", "complex128"]):
        text = "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }\n" % descr
        add_text(f"dtype_{index:02}.npy", text, bytes(16))


def unsupported():
    add_saved("object.npy", np.array([1, None], object), "Python objects")
    add_saved("unicode.npy", np.array(["one", "three"]), "strings")
    add_saved("unicode_be.npy", np.array(["one", "three"], ">U5"), "strings")
    add_saved("string.npy", np.array([b"one"]), "strings")
    add_saved("void.npy", np.zeros(2, "V5"), "raw bytes")
    add_saved("record.npy", np.zeros(2, [("a", "<i4"), ("b", "<f8")]), "structured")
    add_saved("record_utf8.npy", np.zeros(2, [("\u03b1\u4e00", "<i4")]), "structured", version=(3, 0))
    add_saved("dates.npy", np.zeros(2, "<M8[ns]"), "dates")
    add_saved("spans.npy", np.zeros(2, ">m8[D]"), "time spans")
    add_text_unsupported("long_double.npy", "<f16", "long double")
    add_text_unsupported("complex_long_double.npy", "<c32", "complex long double")
    add_text_unsupported("long_double_letter.npy", "g", "long double")


def add_text_unsupported(name, descr, read):
    """As numpy.save writes it, from text: not every machine has these dtypes."""
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }" % descr
    text += " " * (118 - len(text) - 1) + "\n"
    add_text(name, text, bytes(64))
    rows[-1][1] = read


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for part in [dtypes_orders_layouts, shapes, versions, spellings, dtype_spellings, unsupported]:
        part()
    with open(FOLDER / "expected.csv", "w") as table:
        print("file,read,dtype,order,fortran,shape,version,offset,items,bytes,saved", file=table)
        for row in rows:
            print(*row, sep=",", file=table)


if __name__ == "__main__":
    main()
