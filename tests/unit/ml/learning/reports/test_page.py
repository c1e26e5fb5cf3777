"""HTML page of a report: complete, self-contained, and safe with hostile names."""

from html.parser import HTMLParser
from typing import Any

import pytest

from ml_service.learning import predictors
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

HOSTILE = "</title><script>alert(1)</script><img src=http://evil.example/x>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]


def tags(html: str) -> Tags:
    parsed = Tags()
    parsed.feed(html)
    return parsed


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("report")
    rows = (f'{n},{n * 7919 % 13},"{HOSTILE if n % 2 else "a&b"}"' for n in range(80))
    (folder / "t.csv").write_text("\n".join([f'x,"{HOSTILE}",label', *rows, ""]))
    spec = TrainingSpec("knn", ("x", HOSTILE), "label")
    files = train(folder / "t.csv", spec, folder / "m").files
    return complete_report(
        predictors.read_report(folder / "m", files), "7_<b>model</b>", "2026-01-31T12:00:00Z", {}
    )


@pytest.fixture(scope="module")
def html(report: dict[str, Any]) -> str:
    return render_page(report)


def test_texts_of_users_become_no_html_elements(html: str) -> None:
    assert not {"script", "img", "b", "iframe", "object", "link"} & set(tags(html).names)
    assert "&lt;script&gt;alert(1)" in html


def test_page_states_the_sample_of_a_large_test_set(report: dict[str, Any]) -> None:
    recipe = {**report["recipe"], "test_rows": 70_000}
    sampled = {**report, "recipe": recipe, "evaluated_rows": 10_000}
    assert "at most 10000 of them, drawn at random" in render_page(sampled)
    assert "drawn at random" not in render_page(report)


def test_learning_curve_of_two_fits_makes_no_claim(report: dict[str, Any]) -> None:
    learning = report["learning"]
    assert len(learning["training_rows"]) == 3
    assert "more rows should help" in render_page(report)
    two = {name: value[1:] if isinstance(value, list) else value for name, value in learning.items()}
    page = render_page({**report, "learning": two})
    assert "more rows should help" not in page
    assert "Two fits show no trend." in page


def test_learning_curve_states_its_sample_of_test_rows(report: dict[str, Any]) -> None:
    assert "on the test rows of the metrics" in render_page(report)
    sampled = {**report, "recipe": {**report["recipe"], "test_rows": 70_000}}
    assert f"on {report['learning']['test_rows']} of the test rows" in render_page(sampled)


def test_report_of_an_older_version_is_rendered(report: dict[str, Any]) -> None:
    without = {"low", "high", "test_rows"}
    older = {
        **report,
        "learning": {name: value for name, value in report["learning"].items() if name not in without},
        "calibration": [
            {name: value for name, value in curve.items() if name not in without}
            for curve in report["calibration"]
        ],
        "recipe": {name: value for name, value in report["recipe"].items() if name != "split"},
    }
    assert tags(render_page(older)).names.count("svg") == 5


@pytest.mark.parametrize(
    ("split", "shown"),
    [
        ({"by": "random", "column": None}, "at random, stratified by class"),
        (
            {"by": "time", "column": "day", "training_until": "2026-01-30", "test_from": "2026-01-31"},
            "in time by day: training rows until 2026-01-30, test rows from 2026-01-31",
        ),
        (
            {"by": "group", "column": "who", "training_groups": 8, "test_groups": 2},
            "by groups of equal who: 8 in the training part, 2 in the test part",
        ),
    ],
)
def test_page_shows_the_split(split: dict[str, Any], shown: str, report: dict[str, Any]) -> None:
    page = render_page({**report, "recipe": {**report["recipe"], "split": split}})
    assert shown in " ".join(page.split())
    assert ("take rows for independent" in page) == (split["by"] != "random")


def test_page_fetches_nothing(html: str) -> None:
    assert tags(html).fetched == []
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_page_has_a_chart_for_each_part_with_data(html: str) -> None:
    assert tags(html).names.count("svg") == 5  # importance, learning, ROC, precision and recall, calibration
    assert html.count("<figcaption>") == 5


def test_page_shows_the_leaderboard_of_a_comparison(report: dict[str, Any]) -> None:
    candidate = {
        "type": "knn",
        "params": {"n_neighbors": 15},
        "standard_error": 0.004,
        "score": 0.9,
        "spread": 0.01,
        "metric": "accuracy",
        "fit_seconds": 0.1,
        "predict_seconds": 0.01,
        "state": "finished",
        "chosen": True,
    }
    untried = dict.fromkeys(("score", "spread", "fit_seconds", "predict_seconds"))
    other = {**candidate, **untried, "params": {}, "state": "not_tried", "chosen": False}
    # Boards of an older version have no standard error.
    del other["standard_error"]
    page = render_page({**report, "leaderboard": [candidate, other]})
    assert "Nearest neighbours (n_neighbors 15) – chosen" in page
    assert "<td>Nearest neighbours (defaults)</td>" in page
    assert "0.004" in page


def test_verdict_of_a_comparison_replaces_that_of_the_training(report: dict[str, Any]) -> None:
    verdict = "Good. On the test part, Random forest (defaults) is better."
    completed = complete_report(report, "m", "2026-01-31T12:00:00Z", {"verdict": verdict})
    assert completed["verdict"] == verdict
    assert verdict in render_page(completed)


def test_confusion_matrix_of_many_classes_is_not_drawn(report: dict[str, Any]) -> None:
    labels = [str(n) for n in range(40)]
    matrix = {"labels": labels, "counts": [[0] * 40 for _ in labels]}
    assert "too many for a table" in render_page({**report, "confusion_matrix": matrix})
