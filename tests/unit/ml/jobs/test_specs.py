"""Orders, as they are sent and as they go into a job."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.tables import line_table

from ml_service.jobs.orders import Budget, TrainingOrder
from ml_service.jobs.schemas import TrainingRequest
from ml_service.learning.comparison.candidates import candidates_for
from ml_service.learning.tables import TableProfile, profile, read_table
from ml_service.learning.training.errors import InvalidSpec


@pytest.fixture
def line(tmp_path: Any) -> TableProfile:  # Any: pytest's own type
    path = tmp_path / "line.csv"
    path.write_bytes(line_table())
    return profile(read_table(path))


def test_an_order_of_one_type_is_one_unit(line: TableProfile) -> None:
    draft = TrainingOrder(1, "linear", "y").draft(line)
    assert (draft.units, draft.spec["model_type"]) == (1, "linear")


def test_a_comparison_is_a_unit_for_each_candidate(line: TableProfile) -> None:
    draft = TrainingOrder(1, "auto", "y", budget=Budget(seconds=40)).draft(line)
    assert draft.units == len(draft.spec["candidates"]) == len(candidates_for("regression"))
    assert (draft.spec["model_type"], draft.spec["seconds"]) == ("auto", 40)


def test_a_budget_without_a_comparison_is_refused(line: TableProfile) -> None:
    with pytest.raises(InvalidSpec):
        TrainingOrder(1, "linear", "y", budget=Budget(seconds=40)).draft(line)


def test_a_budget_may_limit_either_or_nothing() -> None:
    sent = {"dataset_id": 1, "type": "auto", "label": "y", "budget": {"tokens": 3}}
    assert TrainingRequest.model_validate(sent).to_order().budget == Budget(None, 3)


@pytest.mark.parametrize(
    "budget",
    [
        {"tokens": 0},
        {"seconds": 0},
        {"seconds": True},
        {"seconds": 1.5},
        {"seconds": 10**30},
        {"hours": 1},
        [],
        5,
    ],
)
def test_a_budget_of_nonsense_is_refused(budget: object) -> None:
    with pytest.raises(ValidationError):
        TrainingRequest.model_validate({"dataset_id": 1, "type": "auto", "label": "y", "budget": budget})
