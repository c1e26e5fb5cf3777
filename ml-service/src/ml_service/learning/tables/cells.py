"""How a cell is understood: which words mean missing, and what a number or a date looks like."""

# The words that pandas takes for a missing cell, so that a file means the same in both.
MISSING_WORDS = (
    *("NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
MISSING = frozenset({"", *MISSING_WORDS})

_EXPONENT = r"([eE][+-]?\d+)?"
POINT_NUMBER = rf"^\s*[+-]?(\d+\.?\d*|\.\d+){_EXPONENT}\s*$"
COMMA_NUMBER = rf"^\s*[+-]?(\d+,?\d*|,\d+){_EXPONENT}\s*$"
# Numbers as people print them: thousands separators, the other decimal sign, a currency or percent sign.
FORMATTED_NUMBER = r"^\s*[+-]?[$€£¥]?\s?(\d{1,3}([,.' \x{a0}\x{202f}]\d{3})+|\d+)([.,]\d+)?\s?[%$€£¥]?\s*$"
DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?(\d\d)?)?)?$"
LEADING_ZERO = r"^[+-]?0\d+$"

LARGEST_NUMBER = 1e30
FEW_EXCEPTIONS = 10


def mostly(fitting: int, cells: int) -> bool:
    """Whether these cells are of one kind with a few mistakes in them, not a mixture."""
    others = cells - fitting
    return fitting > others and others <= max(FEW_EXCEPTIONS, cells // 10)
