"""Single cells of requests and batches, read as those of files with types are."""

import math

import pytest

from ml_service.learning.tables import ColumnReading
from ml_service.learning.tables.cells import CellReader


@pytest.mark.parametrize(("cell", "is_missing"), [(-999, True), (-999.0, True), ("-999", True), (-99, False)])
def test_number_that_is_a_word_for_missing_is_missing(cell: object, is_missing: bool) -> None:
    reader = CellReader(ColumnReading(type="number", missing=("-999", "none")))
    assert math.isnan(reader.number(cell)) == is_missing


def test_words_for_missing_have_the_marks_of_their_column() -> None:
    reader = CellReader(ColumnReading(type="number", decimal=",", missing=("-9,5",)))
    assert math.isnan(reader.number(-9.5))
