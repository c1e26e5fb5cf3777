"""Schemas of boards, and results as CSV."""

import csv
import io
from typing import Literal

from pydantic import BaseModel

from kit.spreadsheets import without_formula
from ml_service.boards.rules import Line
from ml_service.boards.service import Board
from ml_service.submissions.reading import DELETED_MEMBER
from ml_service.submissions.schemas import IntervalView

COLUMNS = (
    *("external_id", "name", "public_score", "final_score", "rank"),
    *("tokens", "efficiency", "late", "revision"),
)


class LineView(BaseModel):
    """A line; the public rank, the `change` from it and the 95% interval are on the final board only.

    `tokens` are those that the member has paid for the challenge until its end; null while billing is away.
    """

    rank: int
    name: str
    own: bool
    score: float
    tokens: int | None
    efficiency: float | None
    submissions: int
    public_rank: int | None = None
    change: int | None = None
    interval: IntervalView | None = None


class LeaderboardView(BaseModel):
    """A board: `public`, `frozen` from the end on, then `final`. Owners and assistants are not ranked."""

    board: Literal["public", "frozen", "final"]
    revision: int
    metric: str
    items: list[LineView]


def view_of(board: Board, user_id: int) -> LeaderboardView:
    return LeaderboardView(
        board=board.name,
        revision=board.challenge.revision,
        metric=board.challenge.metric,
        items=[_line_view(board, line, user_id) for line in board.lines],
    )


def to_csv(board: Board) -> str:
    """The results; final scores are empty before the end."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in board.lines:
        member = board.members.get(line.entry.user_id)
        is_final = board.name == "final"
        writer.writerow(
            (
                without_formula((member and member.external_id) or ""),
                without_formula((member and (member.member_name or member.alias)) or DELETED_MEMBER),
                line.entry.public if is_final else line.score,
                line.score if is_final else "",
                line.rank,
                *("" if value is None else value for value in (line.tokens, line.efficiency)),
                "true" if line.entry.user_id in board.late else "false",
                board.challenge.revision,
            )
        )
    return written.getvalue()


def _line_view(board: Board, line: Line, user_id: int) -> LineView:
    entry = line.entry
    member = board.members.get(entry.user_id)
    is_final = board.name == "final"
    interval = None
    if is_final and entry.low is not None and entry.high is not None:
        interval = IntervalView(low=entry.low, high=entry.high)
    public_rank = line.public_rank if is_final else None
    return LineView(
        rank=line.rank,
        name=DELETED_MEMBER if member is None else member.alias,
        own=entry.user_id == user_id,
        score=line.score,
        tokens=line.tokens,
        efficiency=line.efficiency,
        submissions=entry.submissions,
        public_rank=public_rank,
        change=None if public_rank is None else public_rank - line.rank,
        interval=interval,
    )
