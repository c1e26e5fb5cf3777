"""Text of a CSV file: decompression, decoding and checks, in memory for training or streamed for batches.

The checks read a file in small pieces, which bounds the memory of a streamed one. A refusal reads the text
again, line by line, to find the line and column of the fault.
"""

import codecs
import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

import numpy as np

from ml_service.learning.tables.dialect import (
    SAMPLED_CHARACTERS,
    Compression,
    find_hint,
)
from ml_service.learning.tables.encodings import BYTE_ORDER_MARKS, codec_of, find_code_page, find_utf16
from ml_service.learning.tables.errors import CorruptGzip, EmptyFile, NotCsv, NulByte, UndecodableByte
from ml_service.learning.tables.records import SCANNED_BYTES, locate_last_cell
from ml_service.learning.tables.table import CsvLimits, check_file_size, check_lines, check_unpacked_size

GZIP = b"\x1f\x8b"
AS_CSV = "save its table as CSV or as an Excel workbook and send that."
UNPACK = "unpack it and send that."
WITHOUT_GZIP = "which needs no gzip; send it as it is."
# Beginnings of files that are no text. Some formats are only refused if they are compressed once more.
OTHER_FORMATS = {
    b"PK\x03\x04": f"a zip archive or an Excel workbook, {WITHOUT_GZIP}",
    b"PAR1": f"a Parquet file, {WITHOUT_GZIP}",
    b"\xd0\xcf\x11\xe0": f"an old Excel workbook, {WITHOUT_GZIP}",
    b"%PDF": f"a PDF document; {AS_CSV}",
    b"BZh": f"a bzip2 file; {UNPACK}",
    b"\xfd7zXZ": f"an xz file; {UNPACK}",
    b"\x28\xb5\x2f\xfd": f"a Zstandard file; {UNPACK}",
}
MULTIBYTE_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
LONGEST_CHARACTER = 4
LAST_ASCII = 0x7F
PIECE_BYTES = 1 << 20
SAMPLED_BYTES = 1 << 16
NO_CHARACTER = "A byte here is not a character in {encoding}; save the file as UTF-8, or set its encoding."
BOM = "\ufeff"

# Opens the file's unpacked bytes; each call starts at the beginning.
Source = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class CsvText:
    """A checked text without NUL; `begin` is dropped: more byte order marks, and `sep=;` as Excel writes it.

    `other_encodings` has those that a detected code page could also be.
    """

    source: Source
    encoding: str
    compression: Compression | None
    begin: str
    delimiter: str | None
    sample: str
    other_encodings: Sequence[str] | None = None
    has_mark: bool = False

    @contextlib.contextmanager
    def open(self) -> Generator[io.TextIOWrapper]:
        """Open the text after its byte order marks and the hint, with unchanged line ends."""
        with _open_text(self.source, self.encoding) as text:
            text.read(len(self.begin))
            yield text

    def to_utf8(self) -> bytes:
        if self.encoding == "utf-8":
            with self.source() as file:
                return file.read().removeprefix(codecs.BOM_UTF8)[len(self.begin.encode()) :]
        with self.open() as text:
            return text.read().encode()


def read_text(path: Path, encoding: str | None, limits: CsvLimits) -> CsvText:
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


def _check_text(source: Source, path: Path, encoding: str | None, limits: CsvLimits) -> CsvText:
    with source() as file:
        begin = file.read(PIECE_BYTES)
    for magic, name in OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise NotCsv(f"This is {name}")
    declared, others = encoding, None
    encoding = _check_encoding(source, begin, declared, limits)
    if encoding is None:
        encoding, others = find_code_page(_lines_beyond_ascii(source))
        _check_decodes(source, encoding, limits)
    with _open_text(source, encoding) as text:
        sample = text.read(SAMPLED_CHARACTERS)
    marks = len(sample) - len(sample.lstrip(BOM))
    hint, delimiter = find_hint(sample[marks:])
    return CsvText(
        source,
        encoding,
        "gzip" if _is_gzip(path) else None,
        sample[: marks + hint],
        delimiter,
        sample[marks + hint :],
        others,
        has_mark=begin.startswith(tuple(BYTE_ORDER_MARKS)),
    )


def _check_encoding(source: Source, begin: bytes, declared: str | None, limits: CsvLimits) -> str | None:
    """The declared encoding, or that of the byte order mark, or UTF-8; None for a code page to detect.

    Damaged UTF-8 does not pass as a code page.
    """
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if begin.startswith(mark)), None)
    certain = declared or marked or find_utf16(begin)
    if certain is not None:
        _check_decodes(source, certain, limits)
        return certain
    try:
        _check_pieces(source, "utf-8", limits)
    except UnicodeDecodeError:
        if _is_mostly_utf8(source):
            _check_decodes(source, "utf-8", limits)
        return None
    return "utf-8"


def _check_decodes(source: Source, encoding: str, limits: CsvLimits) -> None:
    try:
        _check_pieces(source, encoding, limits)
    except UnicodeDecodeError as error:
        line, column = locate_last_cell(_lines_before_fault(source, encoding))
        raise UndecodableByte(NO_CHARACTER.format(encoding=encoding), line=line, column=column) from error


def _lines_beyond_ascii(source: Source) -> bytes:
    """The first lines with bytes beyond ASCII, from which a code page is detected."""
    lines, size = list[bytes](), 0
    with source() as file:
        rest = b""
        while size < SAMPLED_BYTES and (piece := file.read(PIECE_BYTES)):
            *complete, rest = (rest + piece)[-2 * PIECE_BYTES :].split(b"\n")
            for line in complete:
                if not line.isascii() and size < SAMPLED_BYTES:
                    lines.append(line)
                    size += len(line)
    return b"\n".join([*lines, rest])[:SAMPLED_BYTES]


def _check_pieces(source: Source, encoding: str, limits: CsvLimits) -> None:
    decoder = codecs.getincrementaldecoder(codec_of(encoding))()
    size, lines, blank, hint = 0, 0, True, None
    with source() as file:
        while True:
            piece = file.read(SCANNED_BYTES)
            size += len(piece)
            check_unpacked_size(size, limits)
            text = decoder.decode(piece, final=not piece)
            lines += _count_lines(piece)
            check_lines(lines, limits)
            if "\0" in text:
                line, column = locate_last_cell(_lines_before_fault(source, encoding))
                raise NulByte(
                    "There is a NUL byte here; save the file as plain CSV in UTF-8.", line=line, column=column
                )
            if hint is None:
                text = text.lstrip(BOM)
                hint, _ = find_hint(text)
                text = text[hint:]
            blank = blank and (not text or text.isspace())
            if not piece:
                break
    if blank:
        raise EmptyFile("The file is empty; send a header line and rows.")


def _count_lines(piece: bytes) -> int:
    """The line ends in bytes, ten times as fast as in texts; in UTF-16 few other bytes are like them."""
    codes = np.frombuffer(piece, np.uint8)
    return sum(int(np.count_nonzero(codes == ord(end))) for end in "\n\r")


def _is_mostly_utf8(source: Source) -> bool:
    """True if most bytes beyond ASCII form characters of UTF-8, so that the text is damaged UTF-8."""
    rest, valid, beyond = b"", 0, 0
    with source() as file:
        while piece := file.read(SCANNED_BYTES):
            valid += sum(map(len, MULTIBYTE_UTF8.findall(rest + piece)))
            beyond += int(np.count_nonzero(np.frombuffer(piece, np.uint8) > LAST_ASCII))
            rest = b"" if piece[-1] <= LAST_ASCII else piece[1 - LONGEST_CHARACTER :]
    return 2 * valid >= beyond


def _lines_before_fault(source: Source, encoding: str) -> Iterator[str]:
    """The lines up to the first NUL or undecodable byte; an x replaces that byte so that its cell exists."""
    with _open_text(source, encoding, errors="farebox_nul") as text:
        for line in text:
            before, fault, _ = line.partition("\0")
            if fault:
                yield f"{before}x"
                return
            yield line


@contextlib.contextmanager
def _open_text(source: Source, encoding: str, errors: str = "strict") -> Generator[io.TextIOWrapper]:
    with source() as file, io.TextIOWrapper(file, codec_of(encoding), errors, newline="") as text:
        yield text


def _nul_for_undecodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - the handler is used for decoding only
    return "\0", error.end


codecs.register_error("farebox_nul", _nul_for_undecodable)
