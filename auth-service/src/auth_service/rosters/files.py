"""Rosters as CSV files: read one, compare it with the stored entries, and write one."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from auth_service.fields import account_name
from kit.fields import NOT_STORABLE, fold_name
from kit.spreadsheets import with_formula, without_formula

COLUMNS = ("external_id", "account", "name", "role", "section")
REQUIRED = ("external_id", "name")
# An export has them, and an import takes no notice of them.
EXPORTED = (*COLUMNS, "code", "claimed")
ROLES = ("assistant", "member")
DELIMITERS = ",;\t"
LONGEST_CELL = 200


@dataclass(frozen=True)
class Seat:
    """One line of a roster."""

    external_id: str
    name: str
    account: str | None = None
    role: str = "member"
    section: str = ""

    @property
    def folded_account(self) -> str | None:
        return fold_name(self.account) if self.account is not None else None


class LineError(NamedTuple):
    line: int
    column: str
    detail: str


class UnreadableRoster(ValueError):
    """The file is no roster; the text is a sentence with the reason."""


@dataclass(frozen=True)
class Difference:
    """What an import would do, by external ids."""

    added: Mapping[str, Seat]
    changed: Mapping[str, Seat]
    unchanged: Sequence[str]
    missing: Sequence[str]
    errors: Sequence[LineError] = field(default=())


def read_roster(content: bytes) -> tuple[dict[str, Seat], list[LineError]]:
    """The seats of a CSV file by external id, and its invalid cells; raises UnreadableRoster."""
    lines = _read_lines(_decode(content))
    header = [name.strip().casefold() for name in next(lines, (1, []))[1]]
    _check_header(header)
    seats: dict[str, Seat] = {}
    accounts: dict[str, int] = {}
    errors: list[LineError] = []
    for number, cells in lines:
        if len(cells) != len(header):
            counts = f"{len(cells)} cells, but the header has {len(header)}"
            errors.append(LineError(number, "", f"The line has {counts}."))
            continue
        seat, faults = _read_seat(dict(zip(header, map(_plain, cells), strict=True)))
        if seat.external_id in seats:
            faults["external_id"] = "occurs in an earlier line, too"
        folded = seat.folded_account
        if folded is not None and accounts.setdefault(folded, number) != number:
            faults["account"] = f"is that of line {accounts[folded]}, too"
        errors += [LineError(number, column, f"'{column}' {detail}.") for column, detail in faults.items()]
        seats.setdefault(seat.external_id, seat)
    return seats, errors


def compare(stored: Iterable[Seat], imported: Mapping[str, Seat], *, remove_missing: bool) -> Difference:
    """The difference; an account that would be in two seats is an error of its external id's line."""
    before = {seat.external_id: seat for seat in stored}
    missing = [external_id for external_id in before if external_id not in imported]
    after = imported if remove_missing else {**before, **imported}
    taken = Counter(seat.folded_account for seat in after.values())
    twice = [
        seat for seat in imported.values() if seat.account is not None and taken[seat.folded_account] > 1
    ]
    return Difference(
        added={key: seat for key, seat in imported.items() if key not in before},
        changed={key: seat for key, seat in imported.items() if key in before and seat != before[key]},
        unchanged=[key for key, seat in imported.items() if before.get(key) == seat],
        missing=missing,
        errors=[
            LineError(0, "account", f"The account {seat.account} belongs to another person of the roster.")
            for seat in twice
        ],
    )


def version_of(seats: Iterable[Seat]) -> str:
    """The entity tag of a roster: equal for equal entries in any order."""
    lines = sorted(repr(asdict(seat)) for seat in seats)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def write_roster(rows: Iterable[Sequence[str]]) -> str:
    """A CSV file with the columns EXPORTED; its import changes nothing."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(EXPORTED)
    writer.writerows([map(without_formula, row) for row in rows])
    return text.getvalue()


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableRoster(f"Line {line} is not UTF-8; save the file as 'CSV UTF-8'.") from None
    if NOT_STORABLE.search(text) is not None:
        raise UnreadableRoster("The file contains NUL characters; save it as 'CSV UTF-8'.")
    return text


def _read_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error:
        raise UnreadableRoster(f"Line {reader.line_num} has a quote that does not end.") from None


def _check_header(header: Sequence[str]) -> None:
    unknown = [name for name in header if name not in EXPORTED]
    lacking = [name for name in REQUIRED if name not in header]
    if unknown or lacking or len(set(header)) < len(header):
        raise UnreadableRoster(
            f"The first line must name the columns {', '.join(COLUMNS)}, each once;"
            f" {' and '.join(REQUIRED)} are needed, and others are not known."
        )


def _read_seat(cells: Mapping[str, str]) -> tuple[Seat, dict[str, str]]:
    """The seat, and what is wrong with its cells, by column."""
    faults = {
        column: f"has more than {LONGEST_CELL} characters"
        for column in COLUMNS
        if len(cells.get(column, "")) > LONGEST_CELL
    }
    faults |= {column: "must not be empty" for column in REQUIRED if not cells[column]}
    role = cells.get("role", "").casefold() or "member"
    if role not in ROLES:
        faults["role"] = f"must be {' or '.join(ROLES)}"
    account = cells.get("account") or None
    if account is not None and "account" not in faults:
        try:
            account = account_name(account)
        except ValueError as error:
            faults["account"] = str(error)
            account = None
    return Seat(cells["external_id"], cells["name"], account, role, cells.get("section", "")), faults


def _plain(cell: str) -> str:
    return with_formula(cell.strip()).strip()
