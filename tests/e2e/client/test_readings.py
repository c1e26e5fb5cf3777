"""Readings of tables: set at the upload, corrected, decided about, and equal in predictions and batches."""

import csv
import gzip
import json
from pathlib import Path

import pandas
import pytest
from tests.e2e.client.test_command import Run, logged_in, read_json, run
from tests.support.workbooks import Rows, ods, xlsx

from farebox import Farebox
from farebox.errors import InvalidInput
from farebox.results.models import Model

__all__ = ["logged_in", "run"]

GRADES = ["1", "2", "A", "B"]
# Every third cell of titer is a limit of detection.
TITERS = "titer,dose,passed\n" + "".join(
    f"{'<0.05' if n % 3 == 0 else n / 100},{n % 9},{'yes' if n % 2 else 'no'}\n" for n in range(60)
)
GERMAN = "Bericht\nname;größe;tag\n" + "".join(
    f"n{n % 5};{n}.234,5;{n % 28 + 1}/{n % 12 + 1}/2025\n" for n in range(1, 31)
)

ROWS: Rows = [["grade", "hours", "größe"], ["1", 3, "ä"], ["A", 4, None], ["2", "x", "é"], ["Z", 5, "ö"]]
JSON_LINES = (
    '{"grade": "1", "hours": "3", "größe": "ä"}\n{"grade": "A", "hours": "4"}\n'
    '{"grade": "2", "hours": "x", "größe": "é"}\n{"grade": "Z", "hours": "5", "größe": "ö"}\n'
).encode()


def grades(delimiter: str, grade: list[str] | None = None) -> str:
    """A table in which grades that look like numbers are categories."""
    rows = ((n % 4, n % 7) for n in range(80))
    lines = (f"{(grade or GRADES)[g]}{delimiter}{hours}{delimiter}{10 * g + hours}\n" for g, hours in rows)
    return f"grade{delimiter}hours{delimiter}y\n" + "".join(lines)


@pytest.fixture(scope="module")
def grade_model(owner: Farebox) -> Model:
    return owner.models.train(grades(",").encode(), "y", type="linear", name="grades")


@pytest.fixture
def key(owner: Farebox) -> str:
    return owner.api_keys.create("readings").api_key


def test_settings_of_an_upload_are_used_and_shown(client: Farebox) -> None:
    table = GERMAN.encode("cp1252")
    detected = client.datasets.upload(table, name="detected.csv")
    day = next(column for column in detected.columns if column.name == "tag")
    assert (day.type, detected.reading.columns["tag"].format) == ("date", "%d/%m/%Y")

    inspected = client.datasets.upload(
        table,
        reading={
            "encoding": "cp1252",
            "delimiter": ";",
            "skip_top": 1,
            "columns": {"tag": {"type": "text"}, "name": {"type": "omitted"}},
        },
    )

    assert inspected.id == detected.id
    assert {column.name: column.type for column in inspected.columns} == {"größe": "number", "tag": "text"}
    assert inspected.columns[0].quantiles is not None
    assert inspected.columns[0].quantiles.min == 1234.5
    assert (inspected.reading.encoding, inspected.reading.skip_top) == ("cp1252", 1)
    assert inspected.corrections.columns["name"].type == "omitted"
    assert inspected.corrections.header is None


def test_dry_run_shows_rows_and_stores_nothing(client: Farebox) -> None:
    dataset = client.datasets.upload(grades(",").encode())
    before = client.datasets.get(dataset.id)

    dry = client.datasets.correct(dataset.id, reading={"header": False}, dry_run=True)

    assert dry.preview is not None
    assert dry.preview.columns == ["column_1", "column_2", "column_3"]
    assert dry.preview.rows[0] == ["grade", "hours", "y"]
    assert client.datasets.get(dataset.id) == before
    assert client.datasets.correct(dataset.id, reading={"header": False}).rows == dry.rows == 81
    assert client.datasets.preview(dataset.id) == dry.preview


def test_correction_that_does_not_fit_is_refused_with_its_line(client: Farebox) -> None:
    dataset = client.datasets.upload(grades(",").encode())

    with pytest.raises(InvalidInput) as refused:
        client.datasets.correct(dataset.id, reading={"columns": {"grade": {"type": "number"}}}, dry_run=True)

    assert (refused.value.line, refused.value.column) == (4, "grade")


@pytest.mark.parametrize(
    ("word", "kind"), [("missing", "number"), ("text", "text"), ("omitted", None)], ids=str
)
def test_column_is_decided_about_before_it_is_trained_on(
    logged_in: Run, tmp_path: Path, word: str, kind: str | None
) -> None:
    table = tmp_path / "titers.csv"
    table.write_text(TITERS)
    train = ("train", str(table), "-l", "passed", "-t", "logistic", "--yes", "--json")

    refused = logged_in("train", str(table), "-l", "passed", "-t", "logistic", "--yes")
    dataset = read_json(logged_in("datasets", "--json"))[0]["id"]
    command = f"farebox datasets correct {dataset} titer={word}"
    assert refused.returncode == 7
    assert "20 cells are none (lines 2, 5, 8" in refused.stderr
    assert command in refused.stderr
    assert command in logged_in("datasets", "show", str(dataset)).stderr
    assert read_json(logged_in("balance", "--json"))["available"] == 15

    corrected = read_json(logged_in(*command.split()[1:], "--json"))
    kinds = {column["name"]: column["kind"] for column in corrected["columns"]}
    assert kinds.get("titer") == kind
    features = read_json(logged_in(*train))["model"]["features"]
    assert features == (["dose"] if kind is None else ["titer", "dose"])


def test_options_of_commands_set_the_reading(logged_in: Run, tmp_path: Path) -> None:
    table = tmp_path / "german.csv"
    table.write_bytes(GERMAN.encode("cp1252"))

    added = logged_in("datasets", "add", str(table), "--encoding", "cp1252", "--column", "name=omitted")
    assert added.returncode == 0, added.stderr
    assert "encoding cp1252 (set), skip top 1" in added.stdout
    dataset = str(read_json(logged_in("datasets", "--json"))[0]["id"])

    dry = logged_in("datasets", "correct", dataset, "tag=date:%m/%d/%Y", "--dry-run")
    assert "Line 14, column 'tag'" in dry.stderr
    dry = logged_in("datasets", "correct", dataset, "tag=text", "name=text", "--dry-run")
    assert "Nothing is stored" in dry.stderr
    assert "21/9/2025" in dry.stdout
    assert "left out" in logged_in("datasets", "show", dataset).stdout
    assert read_json(logged_in("datasets", "correct", dataset, "name=text", "--json"))["column_count"] == 3
    assert "left out" not in logged_in("datasets", "show", dataset).stdout

    missing = logged_in("datasets", "correct", dataset)
    assert missing.returncode == 7
    assert "zip_code=text" in missing.stderr
    refused = logged_in("train", dataset, "-l", "tag", "--no-header", "--yes")
    assert f"farebox datasets correct {dataset}" in refused.stderr


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "cp1252"), ("|", "utf-16")],
    ids=str,
)
def test_rows_are_predicted_as_a_batch_predicts_them(
    run: Run, key: str, grade_model: Model, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    lines = [["grade", "hours", "größe"], ["1", "3", "ä"], ["A", "4", ""], ["2", "x", "é"], ["Z", "5", "ö"]]
    rows.write_text("".join(delimiter.join(line) + "\n" for line in lines), encoding=encoding)

    batch = run("batch", grade_model.name, str(rows), "--out", str(out), "--yes", FAREBOX_API_KEY=key)
    predict = run("predict", grade_model.name, "--rows", str(rows), "--yes", FAREBOX_API_KEY=key)

    with out.open(encoding=encoding, newline="") as file:
        predicted = [row["prediction"] for row in csv.DictReader(file, delimiter=delimiter)]
    assert predict.stdout.splitlines() == predicted
    assert predicted[0].startswith("3.0") or predicted[0].startswith("2.99")
    assert predicted[2] == ""
    assert "Row 3 is not predicted: 'hours': It must be a number." in predict.stderr
    assert "Row 4, grade: The model has no such category" in predict.stderr
    assert "1 row has a category that the model has not learnt" in batch.stderr


@pytest.mark.parametrize(
    ("name", "content", "result"),
    [
        ("rows.xlsx", xlsx([["Notes"]], [["Grades"], *ROWS]), "rows.predicted.csv"),
        ("rows.ods", ods(ROWS), "rows.predicted.csv"),
        ("rows.jsonl", JSON_LINES, "rows.predicted.jsonl"),
        ("rows.jsonl.gz", gzip.compress(JSON_LINES), "rows.predicted.jsonl"),
    ],
)
def test_rows_of_other_formats_are_predicted_as_those_of_csv(
    run: Run, key: str, grade_model: Model, tmp_path: Path, name: str, content: bytes, result: str
) -> None:
    rows, out = tmp_path / name, tmp_path / result
    rows.write_bytes(content)

    batch = run("batch", grade_model.name, str(rows), "--yes", FAREBOX_API_KEY=key)
    predict = run("predict", grade_model.name, "--rows", str(rows), "--yes", FAREBOX_API_KEY=key)

    assert f"the file is {out}." in batch.stderr
    if out.suffix == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            predicted = [row["prediction"] for row in csv.DictReader(file)]
    else:
        cells = [json.loads(line)["prediction"] for line in out.read_text().splitlines()]
        predicted = ["" if cell is None else str(cell) for cell in cells]
    assert predict.stdout.splitlines() == predicted
    assert float(predicted[0]) == pytest.approx(3)
    assert predicted[2] == ""
    assert "Row 3 is not predicted: 'hours': It must be a number." in predict.stderr
    assert "Row 4, grade: The model has no such category" in predict.stderr
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == sorted([name, result])


def test_model_is_trained_on_a_sheet_of_a_workbook(logged_in: Run, tmp_path: Path) -> None:
    table = tmp_path / "grades.xlsx"
    content = [["Grades of 2025"], ["grade", "hours", "y"], *([n % 4, n % 7, n % 4 * 10] for n in range(80))]
    table.write_bytes(xlsx([["a", "b"], [1, 2]], content, names=["Notes", "Grades"]))
    train = ("train", str(table), "-l", "y", "-t", "linear", "--task", "regression", "--yes", "--json")

    unknown = logged_in(*train, "--sheet", "Marks")
    trained = read_json(logged_in(*train, "--sheet", "Grades"))

    assert unknown.returncode == 7
    assert "it has 'Notes', 'Grades'" in unknown.stderr
    assert trained["model"]["features"] == ["grade", "hours"]
    shown = logged_in("datasets", "show", str(read_json(logged_in("datasets", "--json"))[0]["id"])).stdout
    assert "skip top 1, sheet Grades (set)" in shown


def test_batch_with_the_label_prints_its_score(
    run: Run, key: str, grade_model: Model, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(grades(";"))

    batch = run("batch", grade_model.name, str(rows), "--yes", FAREBOX_API_KEY=key)

    assert (
        "Compared with the label in the file: r2_score 1, mean_absolute_error 0, by 80 rows." in batch.stderr
    )


def test_one_row_is_predicted_with_a_number_as_category(run: Run, key: str, grade_model: Model) -> None:
    name = grade_model.name
    document = read_json(run("predict", name, "grade=2", "hours=3", "--yes", "--json", FAREBOX_API_KEY=key))

    assert document["prediction"] == pytest.approx(13)
    assert document["charge"]["tokens"] == 5
    assert document["warnings"] == []


def test_file_of_another_format_is_refused_without_charge(
    run: Run, owner: Farebox, key: str, grade_model: Model, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.parquet"
    pandas.DataFrame({"grade": ["1"], "hours": [2]}).to_parquet(rows)
    before = owner.wallet.balance()

    refused = run("predict", grade_model.name, "--rows", str(rows), "--yes", FAREBOX_API_KEY=key)

    assert refused.returncode == 7
    assert f"farebox batch {grade_model.name}" in refused.stderr
    assert owner.wallet.balance() == before


def test_frame_of_numbers_is_predicted_by_a_feature_of_texts(owner: Farebox, grade_model: Model) -> None:
    frame = pandas.DataFrame({"grade": [1, 2], "hours": [3, 4]})
    before = owner.wallet.balance().tokens

    predicted = owner.predictions.many(grade_model.name, frame)

    assert predicted.predictions == pytest.approx([3, 14])
    assert predicted.warning_count == 0
    assert owner.wallet.balance().tokens == before - 5


def test_long_ids_of_a_frame_keep_their_digits(owner: Farebox) -> None:
    ids = [12345678901234567000 + n for n in range(4)]
    frame = pandas.DataFrame(
        {
            "account": pandas.Series([ids[n % 4] for n in range(60)], dtype="uint64"),
            "half": [n % 2 for n in range(60)],
            "y": [n % 4 * 10 for n in range(60)],
        }
    )
    model = owner.models.train(frame, "y", type="linear", task="regression")

    predicted = owner.predictions.many(model.name, frame[["account", "half"]].head(4))

    assert predicted.predictions == pytest.approx([0, 10, 20, 30], abs=1e-6)
    assert predicted.warning_count == 0
