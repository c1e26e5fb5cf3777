"""Models looked at, compared, asked and deleted."""

import re

from tests.support.browser import Somebody, Window
from tests.support.stack import Stack
from tests.support.tables import line_table


def test_a_model_shows_its_figures_beside_the_baseline(owners_window: Window) -> None:
    owners_window.go("Models")
    owners_window.sees("Balanced accuracy")
    owners_window.sees(re.compile(r"baseline 0\.\d+"))
    owners_window.picture("models")


def test_a_report_draws_what_is_known_of_a_model(owners_window: Window) -> None:
    owners_window.go("Models")
    owners_window.sees("Better than guessing")
    for curve in ("ROC", "Importance", "Calibration", "Confusion"):
        owners_window.tab(curve)
        owners_window.sees_a_chart()
    owners_window.page.get_by_text("All figures").click()
    owners_window.page.get_by_text("Recipe: what it was made from").click()
    owners_window.picture("models-report")


def test_a_model_that_is_gone_meanwhile_is_told_in_a_sentence(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    dataset = somebody.client.datasets.upload(line_table())
    job = somebody.client.jobs.wait(somebody.client.models.start(dataset, "y", type="linear").id)
    window.come_as(somebody.name, stack, path="models")
    window.is_at("Models")
    window.press("Delete")
    window.sees("will be gone for good")
    somebody.client.models.delete(job.model_name)
    window.press("Delete it")
    window.sees("no model of this name")


def test_models_are_compared_side_by_side(owners_window: Window) -> None:
    owners_window.go("Models")
    owners_window.tab("Compare")
    owners_window.sees_a_chart()
    owners_window.picture("models-compared")


def test_a_model_is_deleted_only_after_asking_again(window: Window, somebody: Somebody, stack: Stack) -> None:
    dataset = somebody.client.datasets.upload(line_table())
    job = somebody.client.jobs.wait(somebody.client.models.start(dataset, "y", type="linear").id)
    window.come_as(somebody.name, stack, path="models")
    window.is_at("Models")
    window.press("Delete")
    window.sees("will be gone for good")
    assert [each.name for each in somebody.client.models.list()] == [job.model_name]
    window.press("Delete it")
    window.sees("You have no models yet.")
    assert list(somebody.client.models.list()) == []


def test_a_prediction_tells_how_sure_it_is_and_takes_empty_values(owners_window: Window) -> None:
    owners_window.go("Predict")
    owners_window.field("bill_length_mm").fill("")
    owners_window.press("Predict for 5 tokens")
    owners_window.sees(re.compile(r"5 tokens; [\d,]+ left"))
    owners_window.sees("in 90% of cases")
    owners_window.sees_a_chart()
    owners_window.picture("predict-probabilities")


def test_a_double_click_costs_one_prediction(window: Window, owner: Somebody, stack: Stack) -> None:
    window.come_as(owner.name, stack, path="predict")
    window.is_at("Predict")
    before = owner.client.wallet.balance().available
    window.page.get_by_role("button", name="Predict for 5 tokens").dblclick()
    window.sees(f"5 tokens; {before - 5:,} left")
    window.rest()
    assert owner.client.wallet.balance().available == before - 5


def test_without_models_the_way_to_the_first_one_is_shown(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    window.come_as(somebody.name, stack, path="predict")
    window.is_at("Predict")
    window.page.get_by_role("link", name="Train the first one").click()
    window.is_at("Train")
