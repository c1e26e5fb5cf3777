"""Words for a missing cell."""

from ml_service.learning.tables.settings import ColumnReading

# pandas' markers without None, which is a category in columns of text.
TEXT_WORDS = (
    *("NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NULL", "null"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
_LETTERS = ("NA", "N/A", "NaN", "null", "None", "nil")
# Also marks that people write, and the errors of spreadsheets.
NUMBER_WORDS = (
    *TEXT_WORDS,
    *(form for word in _LETTERS for form in (word, word.upper(), word.lower(), word.capitalize())),
    *("?", "-", "–", "—", "--", ".", ".."),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#SPILL!", "#CALC!"),
)
TEXTS = frozenset({"", *TEXT_WORDS})
NUMBERS = frozenset({"", *NUMBER_WORDS})


def missing_words(reading: ColumnReading) -> frozenset[str]:
    """The words for a missing cell of a column of this type, with the empty cell among them."""
    if reading.missing is not None:
        return frozenset({"", *reading.missing})
    return NUMBERS if reading.type in {"number", "whole", "date", "time"} else TEXTS
