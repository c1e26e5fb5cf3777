"""Findings about a reading: the decisions that the reader took, and those that it leaves to the owner."""

from collections.abc import Mapping, Sequence

from ml_service.learning.tables.settings import ColumnReading
from ml_service.learning.tables.table import Decision, Finding, PlaceName

LISTED = 5
NO_GUESS = "Correct the reading of the column if this is not what its cells mean."


def missing_words(name: str, counts: Mapping[str, int]) -> Finding:
    words = sorted(counts, key=lambda word: (-counts[word], word))
    listed = ", ".join(f"{counts[word]} times '{word}'" for word in words[:LISTED])
    more = " and other words" if len(words) > LISTED else ""
    return Finding(
        "missing_words",
        "info",
        name,
        f"'{name}' has words for a missing cell: {listed}{more}.",
        "Set the words for missing if one of them is a value.",
    )


def number_notation(name: str, reading: ColumnReading, cells: int) -> Finding:
    marks = [
        "a decimal comma" if reading.decimal == "," else "",
        f"'{reading.thousands}' between thousands" if reading.thousands else "",
        f"'{reading.unit}', which is dropped" if reading.unit else "",
    ]
    described = ", ".join(mark for mark in marks if mark) or "other signs or blanks"
    return Finding(
        "number_notation",
        "info",
        name,
        f"'{name}' has numbers in a notation of their own ({described}), in {cells} cells.",
        NO_GUESS,
    )


def ambiguous_numbers(name: str, chosen: ColumnReading, other: ColumnReading) -> Finding:
    mark = chosen.thousands or chosen.decimal
    as_thousands, as_decimal = ("1234", "1.234") if chosen.thousands else ("1.234", "1234")
    return Finding(
        "ambiguous_numbers",
        "warning",
        name,
        f"A cell such as 1{mark}234 in '{name}' was read as {as_thousands}, but could mean {as_decimal}.",
        "A cell with both marks, or with other than three digits after one, shows which; "
        f"set the decimal mark of the column to '{other.decimal}' if that is meant.",
    )


def date_format(name: str, format: str) -> Finding:
    return Finding(
        "date_format", "info", name, f"The dates of '{name}' were read in the format {format}.", NO_GUESS
    )


def ambiguous_dates(name: str, chosen: str, other: str) -> Finding:
    return Finding(
        "ambiguous_dates",
        "warning",
        name,
        f"The dates of '{name}' were read as {chosen}, but every one of them also is a date as {other}.",
        f"A day after the 12th shows which; else set the format of the column to {other} if that is meant.",
    )


def two_digit_years(name: str, first: int, last: int) -> Finding:
    return Finding(
        "two_digit_years",
        "warning",
        name,
        f"The years of '{name}' have two digits; they were read as {first} to {last}.",
        "Write years with four digits if one of them belongs to another century.",
    )


def time_zones(name: str, zoned: int, without: int) -> Finding:
    others = f", {without} cells without one were taken as UTC" if without else ""
    return Finding(
        "time_zones",
        "warning" if without else "info",
        name,
        f"{zoned} cells of '{name}' have a time zone and were converted to UTC{others}.",
        "Give all cells a zone, or none.",
    )


def time_of_day(name: str) -> Finding:
    return Finding(
        "time_of_day", "info", name, f"'{name}' has times of day, read as seconds since midnight.", NO_GUESS
    )


def leading_zeros(name: str) -> Finding:
    return Finding(
        "leading_zeros",
        "info",
        name,
        f"'{name}' has numbers with leading zeros, which are kept as texts.",
        "Set its type to number if the zeros mean nothing.",
    )


def long_numbers(name: str, place: str, places: Sequence[int]) -> Finding:
    where = f" (first in {place} {places[0]})" if places else ""
    return Finding(
        "long_numbers",
        "warning",
        name,
        f"'{name}' has whole numbers too long to be exact as numbers{where}; they are kept as texts.",
        "Set its type to number if they may be rounded to 15 digits.",
    )


def mixed_truth_values(name: str) -> Finding:
    return Finding(
        "mixed_truth_values",
        "info",
        name,
        f"'{name}' spells true and false in several ways; each got its first spelling.",
        "Set its type to text to keep the spellings apart.",
    )


def trimmed(name: str, cells: int) -> Finding:
    return Finding(
        "trimmed",
        "info",
        name,
        f"Blanks around {cells} cells of '{name}' were removed.",
        "Switch trimming off if they matter.",
    )


def needs_decision(name: str, decision: Decision) -> Finding:
    places = ", ".join(map(str, decision.places))
    more = " and others" if decision.cells > len(decision.places) else ""
    cells, place = "1 cell is", decision.place
    if decision.cells > 1:
        cells, place = f"{decision.cells} cells are", f"{place}s"
    where = f" ({place} {places}{more})" if places else ""
    return Finding(
        "needs_decision",
        "serious",
        name,
        f"'{name}' consists of {decision.type}s, but {cells} none{where}.",
        "Decide before training: read such cells as missing, read the column as text, or leave it out.",
    )


def index_column(names: Sequence[str]) -> Finding:
    listed = ", ".join(f"'{name}'" for name in names[:LISTED])
    return Finding(
        "index_column",
        "info",
        None,
        f"The names or numbers of rows that a program has added ({listed}) are left out.",
        "Set the type of the column if it is a feature.",
    )


def invisible_characters(names: Sequence[str]) -> Finding:
    listed = ", ".join(f"'{name}'" for name in names[:LISTED])
    return Finding(
        "invisible_characters",
        "info",
        None,
        f"Invisible characters were removed from the names of columns: {listed}.",
        "Use the names as they are shown here.",
    )


def no_header(line: int, place: PlaceName = "line") -> Finding:
    return Finding(
        "no_header",
        "warning",
        None,
        f"{place.capitalize()} {line} has data, not names, so the columns are called column_1, column_2 "
        "and so on.",
        f"Add a {place} of names to the file, or set the header to true if these are names.",
    )


def skipped_lines(lines: int, place: PlaceName = "line") -> Finding:
    above = f"The first {place} is" if lines == 1 else f"The first {lines} {place}s are"
    return Finding(
        "skipped_lines",
        "warning",
        None,
        f"{above} above the table and skipped.",
        f"Set the number of {place}s to skip at the top if the table begins elsewhere.",
    )


def code_page(encoding: str, others: Sequence[str]) -> Finding:
    alternatives = f" Others that could be meant: {', '.join(others)}." if others else ""
    return Finding(
        "code_page",
        "warning" if others else "info",
        None,
        f"The file is not in UTF-8; it was read in the code page {encoding}.{alternatives}",
        "Look at the cells with letters beyond a to z, and set the encoding if they are wrong.",
    )


def numbers_in_texts(name: str, cells: int) -> Finding:
    return Finding(
        "number_notation",
        "info",
        name,
        f"{cells} cells of '{name}' are texts that look like numbers; they were read as numbers.",
        "Set its type to text if they are names or codes.",
    )


def durations(name: str) -> Finding:
    return Finding("durations", "info", name, f"'{name}' has durations, read as seconds.", NO_GUESS)


def other_sheets(read: str, others: Sequence[str]) -> Finding:
    listed = ", ".join(f"'{name}'" for name in others[:LISTED])
    more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
    return Finding(
        "other_sheets",
        "info",
        None,
        f"The sheet '{read}' was read; the workbook also has {listed}{more}.",
        "Set the sheet if another one has the table.",
    )


def merged_cells(ranges: Sequence[str]) -> Finding:
    listed = ", ".join(ranges[:LISTED])
    more = f" and {len(ranges) - LISTED} more" if len(ranges) > LISTED else ""
    return Finding(
        "merged_cells",
        "warning",
        None,
        f"The table has merged cells ({listed}{more}); the first has the value, the others are missing.",
        "Split them in the spreadsheet and fill in the value if it belongs to all of them.",
    )


def uncounted_errors() -> Finding:
    return Finding(
        "uncounted_errors",
        "info",
        None,
        "Results of failed formulas, if there are any, are missing; in this format they cannot be counted.",
        "Save the workbook as .xlsx to have them listed.",
    )
