"""From a file on disk to UTF-8 bytes in memory, within limits."""

import codecs
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from ml_service.learning.tables.dialects import Compression, Delimiter, Encoding, take_hint
from ml_service.learning.tables.errors import (
    CorruptGzip,
    EmptyFile,
    FileTooLarge,
    NotCsv,
    NulByte,
    UndecodableByte,
)
from ml_service.learning.tables.limits import MEGABYTE, CsvLimits
from ml_service.learning.tables.places import place_after

GZIP = b"\x1f\x8b"
OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MULTIBYTE_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")


@dataclass(frozen=True, slots=True)
class Content:
    """A file as UTF-8 without a byte order mark or a NUL, and what is known of how it was written."""

    text: bytes
    encoding: Encoding
    compression: Compression | None
    delimiter: Delimiter | None


def read_content(path: Path, encoding: Encoding | None, limits: CsvLimits) -> Content:
    raw = _read(path, limits)
    packed = raw.startswith(GZIP)
    if packed:
        raw = _unpack(path, limits)
    for magic, name in OTHER_FORMATS.items():
        if raw.startswith(magic):
            raise NotCsv(f"This is {name}; save it as CSV and send that.")
    content, encoding = _to_utf8(raw, encoding)
    where = content.find(b"\0")
    if where >= 0:
        line, column = place_after(content[:where].decode())
        raise NulByte(
            "There is a NUL byte here; save the file as plain CSV in UTF-8.", line=line, column=column
        )
    content, delimiter = take_hint(content)
    if not content or content.isspace():
        raise EmptyFile("The file is empty; send a header line and rows.")
    return Content(content, encoding, "gzip" if packed else None, delimiter)


def _read(path: Path, limits: CsvLimits) -> bytes:
    if path.stat().st_size > limits.file_bytes:
        raise FileTooLarge(f"The file is over the limit of {limits.file_bytes // MEGABYTE} MB.")
    return path.read_bytes()


def _unpack(path: Path, limits: CsvLimits) -> bytes:
    try:
        with gzip.open(path) as file:
            raw = file.read(limits.unpacked_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptGzip("The gzip data is damaged or cut off; pack the file again.") from error
    if len(raw) > limits.unpacked_bytes:
        raise FileTooLarge(f"Unpacked, the file is over the limit of {limits.unpacked_bytes // MEGABYTE} MB.")
    return raw


def _to_utf8(raw: bytes, encoding: Encoding | None) -> tuple[bytes, Encoding]:
    if raw.startswith(UTF16_MARKS) or encoding == "utf-16":
        return _decode(raw, "utf-16").encode(), "utf-16"
    if raw.isascii():
        return raw, encoding or "utf-8"
    if raw.startswith(codecs.BOM_UTF8):
        _decode(raw, "utf-8")
        return raw[len(codecs.BOM_UTF8) :], "utf-8"
    if (encoding or _guess(raw)) == "utf-8":
        _decode(raw, "utf-8")
        return raw, "utf-8"
    return _decode(raw, "cp1252").encode(), "cp1252"


def _guess(raw: bytes) -> Encoding:
    """Broken UTF-8 counts as UTF-8 when other characters in it are whole: it is damaged, not cp1252."""
    if MULTIBYTE_UTF8.search(raw):
        return "utf-8"
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decode(raw: bytes, encoding: Encoding) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(encoding, errors="ignore")
        line, column = place_after(before)
        sentence = "A byte here is not a character in UTF-8, UTF-16 or cp1252; save the file as UTF-8."
        raise UndecodableByte(sentence, line=line, column=column) from error
