"""Suggestion of a label and features: no label without evidence, since a wrong one costs more than none."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from ml_service.learning.findings.columns import ColumnView
from ml_service.learning.tables import Finding

LEFT_OUT = {"constant", "id_like"}
MOST_CLASSES, MOST_CODES = 20, 10
# Texts with more different values, such as names of cars, say nothing about the form of a table.
MOST_TEXTS = 50
FEWEST_FEATURES = 3

# Names without punctuation in lower case. A column with one of these is a label in any table,
LABELS = {"target", "label", "outcome", "response", "dependent", "depvar", "y"}
# and so is one with these if its values are classes,
OUTCOMES = {
    *("answer", "approved", "attrition", "canceled", "cancelled", "choice", "churn", "churned", "converted"),
    *("dead", "decision", "default", "defaultpaymentnextmonth", "denied", "deny", "diagnosis", "died"),
    *("exited", "fraud", "hasdisease", "heartdisease", "iscanceled", "isfraud", "isspam", "loanstatus"),
    *("passed", "purchased", "readmitted", "spam", "species", "stroke", "subscribed", "survival", "survived"),
    *("vote", "voted"),
}
# or with these if its values are numbers.
PRICES = {
    *("medhouseval", "medianhousevalue", "medv", "milespergallon", "mpg", "price", "saleprice"),
    "sellingprice",
}
# In the middle of a table these are features; the first or the last column is a label.
AMOUNTS = {"charges", "revenue", "salary", "sales", "wage", "wages"}
RESULTS = {"admit", "cnt", "count", "grade", "quality", "rating", "result", "score", "yield"}
KINDS = {"category", "class", "income", "status"}
# Names of columns that group rows: they describe a row rather than follow from the others.
GROUPS = {
    *("block", "city", "country", "county", "day", "district", "dose", "ethnicity", "gender", "group"),
    *("married", "month", "name", "race", "region", "sex", "site", "source", "state", "town", "treat"),
    *("treatment", "trt", "year"),
}
PUNCTUATION = re.compile(r"[\W_]")


@dataclass(frozen=True, slots=True)
class Suggestion:
    label: str | None
    features: Sequence[str]


def suggest(views: Sequence[ColumnView], findings: Sequence[Finding]) -> Suggestion:
    """Suggest the label that its name or the form of the table gives away, and all other columns of use."""
    left_out = {finding.column for finding in findings if finding.code in LEFT_OUT}
    usable = [view for view in views if view.column.kind != "empty" and view.column.name not in left_out]
    names = [_plain(view) for view in views]
    # Right after an x and beside further columns, y is a coordinate.
    labels = LABELS - {"y"} if len(names) > 2 and ("x", "y") in pairwise(names) else LABELS
    label = _choose_label(usable, labels)
    return Suggestion(label, [view.column.name for view in usable if view.column.name != label])


def _choose_label(usable: Sequence[ColumnView], labels: Set[str]) -> str | None:
    """The only candidate by the strongest evidence; two candidates contradict each other."""
    if len(usable) < 2:
        return None
    for candidates in _candidates([view for view in usable if not _is_free_text(view)], labels):
        if candidates:
            return candidates[0].column.name if len(candidates) == 1 else None
    return None


def _candidates(views: Sequence[ColumnView], labels: Set[str]) -> Iterator[Sequence[ColumnView]]:
    """Candidates for the label, the strongest evidence first."""
    columns = [view for view in views if view.column.kind != "date"]
    edges = [columns[index] for index in sorted({0, len(columns) - 1})] if columns else []
    yield [view for view in columns if _plain(view) in labels]
    yield [view for view in columns if _plain(view) in OUTCOMES and _has_classes(view)]
    amounts = [view for view in columns if _plain(view) in PRICES | AMOUNTS and _is_measured(view)]
    yield amounts if len(amounts) > 1 else [v for v in amounts if _plain(v) in PRICES or v in edges]
    yield [view for view in edges if _plain(view) in RESULTS or _is_kind_of_row(view, columns)]
    last = columns[-1:]
    yield [view for view in last if _is_only_text(view, views) and _plain(view) not in GROUPS]


def _plain(view: ColumnView) -> str:
    return PUNCTUATION.sub("", view.column.name).casefold()


def _is_free_text(view: ColumnView) -> bool:
    return view.column.kind == "text" and view.statistics.distinct > MOST_TEXTS


def _has_classes(view: ColumnView) -> bool:
    if view.column.kind == "text":
        return 2 <= view.statistics.distinct <= MOST_CLASSES
    return view.column.whole and 2 <= view.statistics.distinct <= MOST_CODES


def _is_measured(view: ColumnView) -> bool:
    return view.column.kind == "number" and view.statistics.distinct > MOST_CODES


def _is_kind_of_row(view: ColumnView, columns: Sequence[ColumnView]) -> bool:
    """True for classes beside columns of one type: a class among numbers and texts is one of several."""
    others = {other.column.kind for other in columns if other is not view}
    return _plain(view) in KINDS and _has_classes(view) and len(others) == 1


def _is_only_text(view: ColumnView, views: Sequence[ColumnView]) -> bool:
    """True for the classes of a table that has measured numbers otherwise, such as that of the irises."""
    others = [other for other in views if other is not view]
    return (
        view.column.kind == "text"
        and _has_classes(view)
        and len(others) >= FEWEST_FEATURES
        and all(other.column.kind in ("number", "date") for other in others)
    )
