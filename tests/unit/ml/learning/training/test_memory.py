"""Estimates of a training's memory: what cannot fit is refused, what fits is not."""

from typing import Any

import pytest

from ml_service.learning.model_types import get_model_type, parse
from ml_service.learning.tables import ColumnProfile, TableProfile
from ml_service.learning.training import TrainingSpec, check
from ml_service.learning.training.errors import FitTooLarge, ModelTooLarge
from ml_service.learning.training.memory import UNLIMITED, Room, check_room, describe, least_worker_bytes

GIB = 1 << 30
DEFAULT = Room(1536 << 20, 512 << 20)


def column(name: str, kind: Any = "number", values: int | None = None, rows: int = 1000) -> ColumnProfile:
    counts = None if values is None else tuple([2] * (values - 1) + [rows - 2 * (values - 1)])
    return ColumnProfile(name, kind, missing=0, whole=False, value_counts=counts)


def table(rows: int, *features: ColumnProfile, label: ColumnProfile | None = None) -> TableProfile:
    columns = {each.name: each for each in (*features, label or column("y"))}
    return TableProfile(tuple(columns), columns, rows)


def numbers(count: int) -> list[ColumnProfile]:
    return [column(f"n{number}") for number in range(count)]


def texts(count: int) -> list[ColumnProfile]:
    return [column(f"t{number}", "text") for number in range(count)]


def spec(profile: TableProfile, model_type: str, **params: object) -> TrainingSpec:
    features = tuple(name for name in profile.columns if name != "y")
    return TrainingSpec(model_type, features, "y", params)


def fits(profile: TableProfile, model_type: str, room: Room = DEFAULT, **params: object) -> bool:
    training = spec(profile, model_type, **params)
    try:
        check_room(profile, training, check(profile, training), room)
    except (FitTooLarge, ModelTooLarge):
        return False
    return True


def needed(profile: TableProfile, model_type: str, **params: object) -> int:
    training = spec(profile, model_type, **params)
    facts = describe(profile, training, check(profile, training))
    return least_worker_bytes(get_model_type(model_type), parse(model_type, params), facts)


def test_width_counts_numbers_parts_of_dates_and_at_most_fifty_categories() -> None:
    profile = table(
        1000,
        column("n"),
        column("d", "date"),
        column("few", "text", 3),
        column("more", "text", 80),
        *texts(1),
    )
    training = spec(profile, "linear")
    assert describe(profile, training, check(profile, training)).width == 1 + 5 + 3 + 50 + 50


@pytest.mark.parametrize("model_type", ["linear", "knn", "random_forest", "gradient_boosting"])
def test_diamonds_fits_the_default_worker(model_type: str) -> None:
    assert fits(table(54_000, *numbers(6), column("cut", "text", 5)), model_type)


@pytest.mark.parametrize("model_type", ["linear", "knn", "random_forest", "gradient_boosting"])
def test_many_encoded_categories_do_not_fit(model_type: str) -> None:
    assert not fits(table(100_000, *texts(40)), model_type)


def test_linear_model_needs_copies_of_its_matrix() -> None:
    profile = table(40_000, *texts(20))
    assert needed(profile, "linear") > needed(profile, "gradient_boosting") + 200_000_000


def test_logistic_model_needs_decisions_of_all_classes() -> None:
    label = column("y", "text", 60, 400_000)
    profile = table(400_000, *numbers(2), label=label)
    assert needed(profile, "logistic") > needed(profile, "logistic", solver="saga") + 280_000_000


def test_newton_solver_needs_the_hessian() -> None:
    label = column("y", "text", 60, 10_000)
    profile = table(10_000, *texts(6), label=label)
    assert not fits(profile, "logistic", solver="newton-cholesky")
    assert fits(profile, "logistic")


def test_refusal_names_estimate_limit_and_advice() -> None:
    profile = table(100_000, *texts(40))
    training = spec(profile, "linear")
    with pytest.raises(FitTooLarge) as caught:
        check_room(profile, training, check(profile, training), DEFAULT)
    assert str(caught.value) == (
        "The training would need at least 3.7 GiB of memory and a worker has 1.5 GiB; choose fewer rows or "
        "columns, or another type."
    )
    assert caught.value.members["limit"] == DEFAULT.worker_bytes


def test_forest_of_many_rows_is_refused_with_advice() -> None:
    profile = table(1_000_000, *numbers(4))
    training = spec(profile, "random_forest", n_estimators=500)
    with pytest.raises((FitTooLarge, ModelTooLarge), match=r"n_estimators.*max_depth.*gradient_boosting"):
        check_room(profile, training, check(profile, training), DEFAULT)


@pytest.mark.parametrize("params", [{"n_estimators": 20}, {"max_depth": 12}, {"min_samples_leaf": 50}])
def test_smaller_forest_of_many_rows_fits(params: dict[str, object]) -> None:
    assert fits(table(1_000_000, *numbers(4)), "random_forest", **{"n_estimators": 500, **params})


@pytest.mark.parametrize(
    "profile",
    [
        table(2_000_000, *numbers(2), label=column("y", "text", 2, 2_000_000)),
        table(2_000_000, *numbers(2), label=column("y", "number", 30, 2_000_000)),
        table(2_000_000, *(column(f"c{number}", "text", 5) for number in range(3))),
    ],
    ids=["classes", "few labels", "few distinct rows"],
)
def test_forest_that_may_be_small_is_not_refused(profile: TableProfile) -> None:
    """Trees end early where the label follows from the features, or where the features hardly differ."""
    assert fits(profile, "random_forest", Room(8 * GIB, 512 << 20), n_estimators=500)


def test_nearest_neighbours_are_refused_by_the_size_of_the_model() -> None:
    profile = table(2_000_000, *numbers(30))
    assert not fits(profile, "knn", Room(None, 512 << 20))
    assert fits(profile, "linear", Room(None, 512 << 20))


def test_nothing_is_refused_without_limits() -> None:
    assert fits(table(5_000_000, *texts(40)), "linear", UNLIMITED)
