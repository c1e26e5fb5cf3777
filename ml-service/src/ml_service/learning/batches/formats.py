"""A file of rows in either format, as what predicts it needs it: piece by piece."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Literal, Protocol

from ml_service.learning.predictors.encoding import Faults

# What stands in a column that is added: numbers, whole numbers, or texts.
AddedKind = Literal["number", "whole", "text"]
Added = Mapping[str, AddedKind]
Values = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    suffix: str


class Piece(Protocol):
    """Some rows in a row; `faults` are those whose shape is wrong."""

    @property
    def rows(self) -> int: ...

    @property
    def faults(self) -> Faults: ...

    def cells(self, name: str, kind: str) -> Sequence[object]:
        """A feature's cells, as a predictor takes those of this kind."""
        ...


class Writer(Protocol):
    def write(self, piece: Piece, values: Values) -> None:
        """The piece's own rows with these columns added."""
        ...


class RowFile(Protocol):
    """An uploaded file; its methods raise a `CsvError` where it cannot be read on."""

    format: Format
    names: tuple[str, ...]

    def count(self) -> int: ...

    def pieces(self, rows: int, numbers: Sequence[str]) -> Iterator[Piece]:
        """All rows in order, at most so many at once; `numbers` are the features that are numbers."""
        ...

    def writer(self, file: IO[bytes], added: Added) -> AbstractContextManager[Writer]:
        """Writes a file of the same format; complete after the block."""
        ...
