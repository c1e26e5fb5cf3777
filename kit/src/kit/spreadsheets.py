"""Cells of CSV files that people open in spreadsheets."""

# Spreadsheets run cells with these first characters as formulas.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def without_formula(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def with_formula(cell: str) -> str:
    """The cell as it was before `without_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
