"""Splits in time and by groups: what each part holds, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.tables import DATA

from kit.errors import ServiceError
from ml_service.learning import predictors
from ml_service.learning.tables import Table, profile, read_csv
from ml_service.learning.training import SplitMethod, TrainingSpec, check
from ml_service.learning.training.errors import OneClassInTraining, PartTooSmall, TooFewGroups
from ml_service.learning.training.pipeline import train
from ml_service.learning.training.preparation import Split, split

WEATHER = DATA / "seattle-weather.csv"
BY_DATE = SplitMethod("time", "date")


def spec_of(
    by: SplitMethod, *features: str, label: str = "y", **members: Any
) -> TrainingSpec:  # Any: of a spec
    return TrainingSpec("linear", features or ("x",), label, split=by, **members)


def table_of(path: Path, header: str, rows: list[str]) -> Table:
    path.write_text("\n".join([header, *rows, ""]))
    return read_csv(path)


def split_with_seeds(table: Table, spec: TrainingSpec) -> None:
    """Split by several seeds, since groups are drawn."""
    for seed in range(20):
        split(table, replace(spec, seed=seed))


def cells(data: Split, column: str) -> tuple[Any, Any]:
    """The cells of a column in the training and in the test part."""
    values = np.array(data.table.columns[column].cells.to_pylist(), dtype=object)
    return values[data.parts.training], values[data.parts.test]


def test_test_rows_are_later_than_all_training_rows() -> None:
    data = split(read_csv(WEATHER), spec_of(BY_DATE, "temp_min", label="temp_max"))
    training, test = cells(data, "date")
    assert max(training) < min(test)
    assert (len(training), len(test)) == (data.plan.training_rows, data.plan.test_rows)
    assert len(training) == int(0.8 * data.table.rows)


def test_time_may_be_a_number(tmp_path: Path) -> None:
    rows = [f"{n * 37 % 100},{n},{n % 7}" for n in range(100)]
    data = split(table_of(tmp_path / "t.csv", "week,x,y", rows), spec_of(SplitMethod("time", "week")))
    training, test = cells(data, "week")
    assert (max(training), min(test)) == (79, 80)
    assert data.parts.facts == {"training_until": 79, "test_from": 80}


def test_rows_of_one_time_stay_together(tmp_path: Path) -> None:
    rows = [f"{2000 + n // 30},{n},{n % 7}" for n in range(100)]
    data = split(table_of(tmp_path / "t.csv", "year,x,y", rows), spec_of(SplitMethod("time", "year")))
    training, test = cells(data, "year")
    assert set(training) == {2000, 2001, 2002}
    assert set(test) == {2003}


def test_each_part_of_a_split_in_time_is_shuffled() -> None:
    data = split(read_csv(WEATHER), spec_of(BY_DATE, "temp_min", label="temp_max"))
    for part in cells(data, "date"):
        assert list(part) != sorted(part)


def test_no_group_is_in_both_parts(tmp_path: Path) -> None:
    rows = [f"p{n % 20},{n},{n % 7}" for n in range(200)]
    data = split(table_of(tmp_path / "t.csv", "person,x,y", rows), spec_of(SplitMethod("group", "person")))
    training, test = map(set, cells(data, "person"))
    assert not training & test
    assert (len(training), len(test)) == (16, 4)
    assert data.parts.facts == {"training_groups": 16, "test_groups": 4}


def test_column_of_the_split_need_be_no_feature(tmp_path: Path) -> None:
    files = train(WEATHER, spec_of(BY_DATE, "temp_min", label="temp_max"), tmp_path / "m").files
    assert predictors.load(tmp_path / "m", files).predict([{"temp_min": 3.0}]).values
    recipe = predictors.read_report(tmp_path / "m", files)["recipe"]
    assert recipe["split"] == {
        **{"by": "time", "column": "date"},
        **{"training_until": "2015-03-13", "test_from": "2015-03-14"},
    }


def test_same_seed_gives_the_same_groups(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", "person,x,y", [f"p{n % 20},{n},{n % 7}" for n in range(200)])
    spec = spec_of(SplitMethod("group", "person"))
    one, same, other = (split(table, each) for each in (spec, spec, replace(spec, seed=5)))
    assert one.parts.test.tolist() == same.parts.test.tolist() != other.parts.test.tolist()


@pytest.mark.parametrize(
    ("by", "error"),
    [
        (SplitMethod("group", "single"), TooFewGroups),
        (SplitMethod("time", "single"), TooFewGroups),
        (SplitMethod("group", "lone"), PartTooSmall),
        (SplitMethod("time", "late"), PartTooSmall),
    ],
)
def test_split_without_rows_on_one_side_is_refused(
    by: SplitMethod, error: type[ServiceError], tmp_path: Path
) -> None:
    rows = [f"1,{int(n == 0)},{int(n == 49)},{n},{n % 7}" for n in range(50)]
    table = table_of(tmp_path / "t.csv", "single,lone,late,x,y", rows)
    with pytest.raises(error):
        split_with_seeds(table, spec_of(by))


def test_training_part_with_one_class_is_refused(tmp_path: Path) -> None:
    rows = [f"2026-01-{n:02},{n},{'new' if n > 25 else 'old'}" for n in range(1, 32)]
    table = table_of(tmp_path / "t.csv", "day,x,y", rows)
    spec = replace(spec_of(SplitMethod("time", "day")), model_type="logistic")
    assert check(profile(table), spec).classes == 2
    with pytest.raises(OneClassInTraining):
        split(table, spec)


def test_parameters_are_checked_against_the_actual_parts(tmp_path: Path) -> None:
    rows = [f"{0 if n < 30 else n},{n},{n % 7}" for n in range(40)]
    table = table_of(tmp_path / "t.csv", "group,x,y", rows)
    neighbours = replace(spec_of(SplitMethod("group", "group")), model_type="knn", params={"n_neighbors": 30})
    check(profile(table), neighbours)
    with pytest.raises(ServiceError) as caught:
        split_with_seeds(table, neighbours)
    assert caught.value.code == "too_many_neighbours"


def findings_of(folder: Path, spec: TrainingSpec) -> dict[str, dict[str, Any]]:
    train(WEATHER, spec, folder)
    findings = json.loads((folder / "report.json").read_text())["findings"]
    return {finding["code"]: finding for finding in findings}


def test_random_split_of_dates_is_a_finding_that_names_the_way_out(tmp_path: Path) -> None:
    random = TrainingSpec("linear", ("date", "temp_min"), "temp_max")
    finding = findings_of(tmp_path / "random", random)["random_split_of_dates"]
    assert (finding["column"], finding["severity"]) == ("date", "warning")
    assert "from 2012-01-01 to 2015-12-31" in finding["detail"]
    assert "split by time and the column 'date'" in finding["advice"]
    in_time = findings_of(tmp_path / "time", replace(random, split=BY_DATE))
    assert "random_split_of_dates" not in in_time
    without = findings_of(tmp_path / "without", replace(random, features=("temp_min",)))
    assert "random_split_of_dates" not in without


def test_findings_ignore_the_column_of_the_split(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table_of(path, "person,x,y", [f"{n // 2},{n * 7 % 11},{n // 2}" for n in range(120)])
    train(path, spec_of(SplitMethod("group", "person")), tmp_path / "m")
    findings = json.loads((tmp_path / "m" / "report.json").read_text())["findings"]
    assert "person" not in {finding["column"] for finding in findings}
