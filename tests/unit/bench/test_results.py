"""Results: ratios, targets, and the comparison of answers with tokens gone."""

import json
from pathlib import Path

import pytest
from bench.environment import Books, BooksDoNotMatch
from bench.results import Measure, Target, write_json


@pytest.mark.parametrize(
    ("value", "reference", "target", "reached"),
    [
        (1400, 100, Target(at_least=14), True),
        (1399, 100, Target(at_least=14), False),
        (0.5, None, Target(at_most=0.5), True),
        (0.6, None, Target(at_most=0.5), False),
        (6, 10, Target(at_most=0.5), False),
        (6, 10, None, None),
    ],
)
def test_target_is_about_ratio_or_value(
    value: float, reference: float | None, target: Target | None, *, reached: bool | None
) -> None:
    assert Measure("rate", value, "/s", reference, "/s", target).reached is reached


def test_books_price_answers_by_action() -> None:
    books = Books({"predict": 5, "train": 1})
    books.count("train")
    books.count("predict", 10)
    books.check(51)


@pytest.mark.parametrize("gone", [49, 51])
def test_books_refuse_other_tokens_than_the_answers_cost(gone: int) -> None:
    books = Books({"predict": 5})
    books.count("predict", 10)
    with pytest.raises(BooksDoNotMatch, match=f"{gone} tokens are gone for answers that cost 50"):
        books.check(gone)


def test_json_has_ratio_and_target(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    write_json(path, {"charges": [Measure("hot", 90, "/s", 100, "/s many", Target(at_least=0.9))]}, 12.4)
    document = json.loads(path.read_text())
    (measure,) = document["parts"]["charges"]
    assert document["seconds"] == 12
    assert (measure["ratio"], measure["target"], measure["reached"]) == (0.9, "at least 0.9", True)
