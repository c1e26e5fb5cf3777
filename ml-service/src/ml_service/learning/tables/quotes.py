"""Whether quotes are used as CSV asks: around whole fields, doubled inside them, closed."""

import csv

import numpy as np
import numpy.typing as npt

from ml_service.learning.tables.dialects import Delimiter
from ml_service.learning.tables.errors import BadQuote
from ml_service.learning.tables.places import records

QUOTE = ord('"')
CHUNK = 1 << 20


def check_quotes(content: bytes, delimiter: Delimiter) -> None:
    if _all_around_fields(content, delimiter):
        return
    # A quote inside a field without quotes stands for itself, so only a full reading can tell.
    line = 1
    try:
        for record in records(content, delimiter):
            line = record.last_line + 1
    except csv.Error as error:
        raise BadQuote(
            "A quoted field that begins here is not closed, or text follows its closing quote.", line=line
        ) from error


def _all_around_fields(content: bytes, delimiter: Delimiter) -> bool:
    """Each odd quote must follow a field's edge or a quote, each even one come before one."""
    letters = np.frombuffer(content, np.uint8)
    edges = np.zeros(256, dtype=bool)
    edges[[QUOTE, ord(delimiter), ord("\n"), ord("\r")]] = True
    seen = 0
    for start in range(0, len(letters), CHUNK):
        quotes = np.flatnonzero(letters[start : start + CHUNK] == QUOTE) + start
        opening, closing = quotes[seen % 2 :: 2], quotes[1 - seen % 2 :: 2]
        if not _at_edges(letters, opening - 1, edges) or not _at_edges(letters, closing + 1, edges):
            return False
        seen += len(quotes)
    return seen % 2 == 0


def _at_edges(
    letters: npt.NDArray[np.uint8], positions: npt.NDArray[np.int64], edges: npt.NDArray[np.bool_]
) -> bool:
    inside = positions[(positions >= 0) & (positions < len(letters))]
    return bool(edges[letters[inside]].all())
