"""A CSV file's text, never more of it in memory than a row."""

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

from ml_service.learning.tables.content import GZIP, MULTIBYTE_UTF8, OTHER_FORMATS, UTF16_MARKS
from ml_service.learning.tables.errors import (
    CellTooLong,
    CorruptGzip,
    EmptyFile,
    FileTooLarge,
    NotCsv,
    NulByte,
    UndecodableByte,
)
from ml_service.learning.tables.limits import MEGABYTE, ROW_BYTES, CsvLimits

PIECE = 1 << 20


@contextlib.contextmanager
def unpacked(path: Path) -> Generator[IO[bytes]]:
    """The file's bytes, out of gzip if they are in it."""
    with path.open("rb") as plain:
        packed = plain.read(len(GZIP)) == GZIP
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            yield cast("IO[bytes]", file)  # cast: what both have is all of it but the name
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptGzip("The gzip data is damaged or cut off; pack the file again.") from error


@contextlib.contextmanager
def opened(path: Path, encoding: str) -> Generator[io.TextIOWrapper]:
    with unpacked(path) as file, io.TextIOWrapper(file, encoding, newline="") as text:
        yield text


def find_encoding(path: Path, limits: CsvLimits) -> str:
    """What the whole file can be read in. Raises what keeps it from being text."""
    with unpacked(path) as file:
        begin = file.read(PIECE)
    for magic, name in OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise NotCsv(f"This is {name}; save it as CSV and send that.")
    if not begin or begin.isspace():
        raise EmptyFile("The file is empty; send a header line and rows.")
    if begin.startswith(UTF16_MARKS):
        candidates = ("utf-16",)
    else:
        candidates = ("utf-8-sig",) if begin.startswith(codecs.BOM_UTF8) else ("utf-8", "cp1252")
    return next(
        each for each in candidates if _can_be_read_in(path, each, limits, last=each == candidates[-1])
    )


def _can_be_read_in(path: Path, encoding: str, limits: CsvLimits, *, last: bool) -> bool:
    """False when another one may be tried: a file with whole characters of UTF-8 is damaged, not cp1252."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, size, is_ascii = 1, 0, True
    with unpacked(path) as file:
        while True:
            piece = file.read(PIECE)
            size += len(piece)
            if size > limits.unpacked_bytes:
                limit = limits.unpacked_bytes // MEGABYTE
                raise FileTooLarge(f"Unpacked, the file is over the limit of {limit} MB.")
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                if not last and is_ascii and not MULTIBYTE_UTF8.search(piece):
                    return False
                sentence = (
                    "A byte here is not a character in UTF-8, UTF-16 or cp1252; save the file as UTF-8."
                )
                line += piece[: error.start].count(b"\n")
                raise UndecodableByte(sentence, line=line) from error
            if "\0" in text:
                line += text.partition("\0")[0].count("\n")
                raise NulByte("There is a NUL byte here; save the file as plain CSV in UTF-8.", line=line)
            if not piece:
                return True
            is_ascii = is_ascii and text.isascii()
            line += text.count("\n")


class Lines(Iterator[str]):
    """A text's lines for csv.reader, which would collect a row of any length."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._length = text, 0

    def begin_row(self) -> None:
        self._length = 0

    def __next__(self) -> str:
        line = self._text.readline(ROW_BYTES)
        if not line:
            raise StopIteration
        self._length += len(line)
        if self._length >= ROW_BYTES:
            raise CellTooLong(f"A row is over {ROW_BYTES // MEGABYTE} MB; shorten it.")
        return line
