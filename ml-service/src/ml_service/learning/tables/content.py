"""Text of a CSV file: decompression, decoding and checks, in memory for training or streamed for batches.

The checks read pieces of `PIECE_BYTES`, which bounds the memory of a streamed file. A refusal reads the text
again, line by line, to find the line and column of the fault.
"""

import codecs
import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

from ml_service.learning.tables.dialect import (
    SAMPLED_CHARACTERS,
    Compression,
    Delimiter,
    Encoding,
    find_hint,
)
from ml_service.learning.tables.errors import CorruptGzip, EmptyFile, NotCsv, NulByte, UndecodableByte
from ml_service.learning.tables.records import locate_last_cell
from ml_service.learning.tables.table import CsvLimits, check_file_size, check_lines, check_unpacked_size

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
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MULTIBYTE_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")
LONGEST_CHARACTER = 3
PIECE_BYTES = 1 << 20
# utf-8-sig reads UTF-8 with and without a byte order mark.
CODECS: dict[Encoding, str] = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "cp1252": "cp1252"}
NO_CHARACTER = "A byte here is not a character in UTF-8, UTF-16 or cp1252; save the file as UTF-8."

# Opens the file's unpacked bytes; each call starts at the beginning.
Source = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class CsvText:
    """A checked text without NUL; `hint` is the length of a leading `sep=;`, as Excel writes it."""

    source: Source
    encoding: Encoding
    compression: Compression | None
    hint: int
    delimiter: Delimiter | None
    sample: str

    @contextlib.contextmanager
    def open(self) -> Generator[io.TextIOWrapper]:
        """Open the text after the byte order mark and the hint, with unchanged line ends."""
        with _open_text(self.source, self.encoding) as text:
            text.read(self.hint)
            yield text

    def to_utf8(self) -> bytes:
        if self.encoding == "utf-8":
            with self.source() as file:
                return file.read().removeprefix(codecs.BOM_UTF8)[self.hint :]
        with self.open() as text:
            return text.read().encode()


def read_text(path: Path, encoding: Encoding | None, limits: CsvLimits) -> CsvText:
    """Read and check a whole file in memory, unpacked once."""
    check_file_size(path.stat().st_size, limits)
    with _open_unpacked(path) as file:
        raw = file.read(limits.unpacked_bytes + 1)
    check_unpacked_size(len(raw), limits)
    return _check_text(lambda: io.BytesIO(raw), path, encoding, limits)


def stream_text(path: Path, limits: CsvLimits) -> CsvText:
    """Check a file without loading it; each pass unpacks it again."""
    return _check_text(partial(_open_unpacked, path), path, None, limits)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


@contextlib.contextmanager
def _open_unpacked(path: Path) -> Generator[IO[bytes]]:
    try:
        with gzip.open(path) if _is_gzip(path) else path.open("rb") as file:
            yield cast("IO[bytes]", file)  # cast: both have the methods used here
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptGzip("The gzip data is damaged or cut off; compress the file again.") from error


def _check_text(source: Source, path: Path, encoding: Encoding | None, limits: CsvLimits) -> CsvText:
    with source() as file:
        begin = file.read(PIECE_BYTES)
    for magic, name in OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise NotCsv(f"This is {name}; save it as CSV and send that.")
    encoding = _check_encoding(source, begin, encoding, limits)
    with _open_text(source, encoding) as text:
        sample = text.read(SAMPLED_CHARACTERS)
    hint, delimiter = find_hint(sample)
    return CsvText(source, encoding, "gzip" if _is_gzip(path) else None, hint, delimiter, sample[hint:])


def _check_encoding(source: Source, begin: bytes, declared: Encoding | None, limits: CsvLimits) -> Encoding:
    """The first encoding that decodes the whole file; damaged UTF-8 does not pass as cp1252."""
    candidates: tuple[Encoding, ...] = ("utf-8", "cp1252") if declared is None else (declared,)
    if begin.startswith(UTF16_BOMS):
        candidates = ("utf-16",)
    elif begin.startswith(codecs.BOM_UTF8):
        candidates = ("utf-8",)
    for candidate in candidates:
        try:
            _check_pieces(source, candidate, limits)
        except UnicodeDecodeError as error:
            if candidate == candidates[-1] or _has_multibyte_utf8(source):
                line, column = locate_last_cell(_lines_before_fault(source, candidate))
                raise UndecodableByte(NO_CHARACTER, line=line, column=column) from error
        else:
            return candidate
    raise AssertionError("The last candidate is accepted or refused.")


def _check_pieces(source: Source, encoding: Encoding, limits: CsvLimits) -> None:
    decoder = codecs.getincrementaldecoder(CODECS[encoding])()
    size, lines, blank, hint = 0, 0, True, None
    with source() as file:
        while True:
            piece = file.read(PIECE_BYTES)
            size += len(piece)
            check_unpacked_size(size, limits)
            text = decoder.decode(piece, final=not piece)
            lines += text.count("\n") + text.count("\r")
            check_lines(lines, limits)
            if "\0" in text:
                line, column = locate_last_cell(_lines_before_fault(source, encoding))
                raise NulByte(
                    "There is a NUL byte here; save the file as plain CSV in UTF-8.", line=line, column=column
                )
            if hint is None:
                hint, _ = find_hint(text)
                text = text[hint:]
            blank = blank and (not text or text.isspace())
            if not piece:
                break
    if blank:
        raise EmptyFile("The file is empty; send a header line and rows.")


def _has_multibyte_utf8(source: Source) -> bool:
    """True if the file has multi-byte UTF-8 characters, and thus is damaged UTF-8 rather than cp1252."""
    rest = b""
    with source() as file:
        while piece := file.read(PIECE_BYTES):
            if MULTIBYTE_UTF8.search(rest + piece):
                return True
            rest = piece[1 - LONGEST_CHARACTER :]
    return False


def _lines_before_fault(source: Source, encoding: Encoding) -> Iterator[str]:
    """The lines up to the first NUL or undecodable byte; an x replaces that byte so that its cell exists."""
    with _open_text(source, encoding, errors="farebox_nul") as text:
        for line in text:
            before, fault, _ = line.partition("\0")
            if fault:
                yield f"{before}x"
                return
            yield line


@contextlib.contextmanager
def _open_text(source: Source, encoding: Encoding, errors: str = "strict") -> Generator[io.TextIOWrapper]:
    with source() as file, io.TextIOWrapper(file, CODECS[encoding], errors, newline="") as text:
        yield text


def _nul_for_undecodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - the handler is used for decoding only
    return "\0", error.end


codecs.register_error("farebox_nul", _nul_for_undecodable)
