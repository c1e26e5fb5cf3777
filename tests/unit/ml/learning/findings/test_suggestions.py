"""Suggested labels and features; the headers are those of well-known tables."""

import pytest
from tests.support.tables import DATA

from ml_service.learning import tables
from ml_service.learning.findings.columns import ColumnView, Finding, find
from ml_service.learning.findings.suggestions import Suggestion, suggest
from ml_service.learning.tables import ColumnProfile
from ml_service.learning.tables.statistics import ColumnStatistics, compute_statistics

# Types of columns in headers: text in 300 forms, classes, numbers, codes of classes, whole numbers, dates.
TYPES = {
    **{"t": ("text", 300), "c": ("text", 4), "d": ("date", 300)},
    **{"n": ("number", 250), "w": ("whole", 90), "k": ("whole", 4), "b": ("whole", 2)},
}


def view(name: str, letter: str) -> ColumnView:
    kind, distinct = TYPES[letter]
    column_kind = "number" if kind == "whole" else kind
    profile = ColumnProfile(name, column_kind, 0, kind == "whole", None)  # pyright: ignore[reportArgumentType] - a type of TYPES
    return ColumnView(profile, ColumnStatistics(distinct))


def label_of(header: str) -> str | None:
    """The label of columns such as `age:n`."""
    views = [view(*column.rsplit(":", 1)) for column in header.split()]
    return suggest(views, []).label


def suggest_for(name: str) -> Suggestion:
    table = tables.read_csv(DATA / f"{name}.csv")
    statistics = compute_statistics(table)
    profiles = tables.profile(table).columns
    views = [ColumnView(column, statistics.columns[name]) for name, column in profiles.items()]
    return suggest(views, find(views, table.rows, statistics.duplicate_rows))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("penguins", "species"),
        ("wine", "target"),
        ("diabetes", "target"),
        ("seattle-weather", "weather"),
        ("cars", "Miles_per_Gallon"),
    ],
)
def test_labels_of_the_example_tables_are_suggested(name: str, label: str) -> None:
    suggested = suggest_for(name)
    assert suggested.label == label
    assert label not in suggested.features


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("carat:n cut:c color:c clarity:c depth:n table:n price:w x:n y:n z:n", "price"),
        ("class:c age:c sex:c survived:c", "survived"),
        ("Class:c Sex:c Age:c Survived:c Freq:w", "Survived"),
        ("price:w lotsize:w bedrooms:k driveway:c airco:c garagepl:k prefarea:c", "price"),
        ("Sepal.Length:n Sepal.Width:n Petal.Length:n Petal.Width:n Species:c", "Species"),
        ("npreg:w glu:w bp:w skin:w bmi:n ped:n age:w type:c", "type"),
        ("Time:n V1:n V2:n Amount:n Class:b", "Class"),
        ("class:c cap_shape:c cap_colour:c odor:c", "class"),
        ("crim:n chas:b rm:n lstat:n medv:n", "medv"),
        ("customerID:t gender:c tenure:w MonthlyCharges:n Churn:c", "Churn"),
        ("ID:w LIMIT_BAL:w SEX:k default.payment.next.month:b", "default.payment.next.month"),
        ("age:w workclass:c education:c sex:c income:c", None),
        ("date:d sales:n promotion:c", "sales"),
        ("TV:n radio:n newspaper:n sales:n", "sales"),
        ("year:w day:w limit:c y:n", "y"),
        ("x1:n x2:n y:n", "y"),
        ("x:n y:n", "y"),
        ("x:n noise:n y:n", "y"),
    ],
)
def test_label_is_suggested_by_its_name_or_the_form_of_the_table(header: str, label: str | None) -> None:
    assert label_of(header) == label


@pytest.mark.parametrize(
    "header",
    [
        "low:b age:w lwt:w race:k smoke:b ptl:k ht:b ui:b ftv:k bwt:w",
        "distcod:w county:c district:t grspan:c enrltot:w testscr:n str:n readscr:n mathscr:n",
        "manufacturer:c model:c displ:n year:k cyl:k trans:c hwy:w fl:c class:c",
        "case:w x:n y:n",
        "x:n y:n z:n",
        "state:w year:w price:n pop:n cpi:n sales:n pimin:n",
        "target:k outcome:k age:n",
        "wfood:n totexp:n age:w size:w town:k sex:c",
        "moral:n hetero:n mobility:n region:c",
        "age:w default:n balance:n",
        "weight:n feed:c",
        "target:n",
        "a:n b:n c:n",
    ],
)
def test_label_without_evidence_is_not_suggested(header: str) -> None:
    assert label_of(header) is None


@pytest.mark.parametrize("left_out", ["constant", "id_like"])
def test_column_that_is_no_feature_is_no_label(left_out: str) -> None:
    views = [view("y", "n"), view("a", "n"), view("b", "c")]
    findings = [_finding(left_out, "y")]
    assert suggest(views, findings) == Suggestion(None, ["a", "b"])


def test_features_are_all_columns_of_use_but_the_label() -> None:
    views = [view("day", "d"), view("a", "n"), view("label", "c"), view("same", "k")]
    assert suggest(views, [_finding("constant", "same")]) == Suggestion("label", ["day", "a"])


def _finding(code: str, column: str) -> Finding:
    return Finding(code, "warning", column, "", "")
