"""Rows of JSON Lines in pieces, for batches."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.tables.content import CsvText
from ml_service.learning.tables.errors import CellTooLong
from ml_service.learning.tables.header import check_names
from ml_service.learning.tables.json_lines import as_texts, exact_numbers, has_inexact, parse_lines
from ml_service.learning.tables.table import MEGABYTE, ROW_BYTES, CsvLimits, RowErrors, check_rows

PIECE_BYTES = 16 * MEGABYTE
PIECE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class JsonPiece:
    """Consecutive rows: their lines, and their cells by the keys that stand in the file."""

    keys: Mapping[str, str]
    lines: Sequence[bytes]
    parsed: pa.Table
    rows: int
    errors: RowErrors = field(default_factory=RowErrors)

    def cells(self, name: str, kind: str) -> Sequence[object]:
        key = self.keys[name]
        if key not in self.parsed.column_names:
            return [None] * self.rows
        cells = self.parsed.column(key)
        if kind == "number" and (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
            numbers = cells.cast(pa.float64(), safe=False)
            return pc.if_else(pc.is_nan(numbers), None, numbers).to_pylist()
        return exact_numbers(self.lines, key) if has_inexact(cells) else as_texts(cells).to_pylist()


class JsonStream:
    """Rows of JSON Lines; raises a `CsvError` for the first unreadable line."""

    def __init__(self, text: CsvText, limits: CsvLimits) -> None:
        self._text, self._limits, self._rows = text, limits, 0
        self.names: tuple[str, ...] = ()
        keys: dict[str, None] = {}
        for piece in self._parsed_pieces(PIECE_ROWS):
            self._rows += piece[1].num_rows
            keys |= dict.fromkeys(piece[1].column_names)
            self.names = check_names(list(keys), None, limits)
        self._keys = dict(zip(self.names, keys, strict=True))

    def check_types(self, names: Iterable[str]) -> None:
        """Nested cells are refused while the lines are read."""

    def count(self) -> int:
        check_rows(self._rows, self._limits)
        return self._rows

    def pieces(self, rows: int) -> Iterator[JsonPiece]:
        """All rows in order, at most `rows` in a piece."""
        for lines, parsed in self._parsed_pieces(rows):
            yield JsonPiece(self._keys, lines, parsed, len(lines))

    def _parsed_pieces(self, rows: int) -> Iterator[tuple[list[bytes], pa.Table]]:
        before = 0
        for lines in self._line_pieces(rows):
            parsed = parse_lines(b"".join(lines), before)
            before += len(lines)
            if parsed.num_rows:
                yield [line for line in lines if line.strip()], parsed

    def _line_pieces(self, rows: int) -> Iterator[list[bytes]]:
        lines, size, number = list[bytes](), 0, 0
        with self._text.open() as text:
            while line := text.readline(ROW_BYTES):
                number += 1
                if len(line) >= ROW_BYTES:
                    raise CellTooLong(f"A row is over {ROW_BYTES // MEGABYTE} MB; shorten it.", line=number)
                lines.append(line.encode())
                size += len(lines[-1])
                if len(lines) >= rows or size > PIECE_BYTES:
                    yield lines
                    lines, size = [], 0
        if lines:
            yield lines
