"""The models page and the predict page."""

import re

from tests.support.browser import Account, Window
from tests.support.stack import Stack
from tests.support.tables import line_table


def test_model_shows_metrics_beside_baseline(owner_window: Window) -> None:
    owner_window.go("Models")
    owner_window.expect_text("Balanced accuracy")
    owner_window.expect_text(re.compile(r"baseline \d+\.\d%"))
    owner_window.screenshot("models")


def test_report_has_charts_and_all_metrics(owner_window: Window) -> None:
    owner_window.go("Models")
    owner_window.expect_text("Better than guessing")
    for curve in ("ROC", "Feature importance", "Calibration", "Confusion matrix"):
        owner_window.open_tab(curve)
        owner_window.expect_chart()
    owner_window.page.get_by_text("All metrics").click()
    owner_window.page.get_by_text("Training details").click()
    owner_window.screenshot("models-report")


def test_deleting_a_deleted_model_shows_an_error(window: Window, account: Account, stack: Stack) -> None:
    dataset = account.client.datasets.upload(line_table())
    job = account.client.jobs.wait(account.client.models.start(dataset, "y", type="linear").id)
    window.open_as(account.name, stack, path="models")
    window.expect_page("Models")
    window.click("Delete")
    window.expect_text("cannot be undone")
    account.client.models.delete(job.model_name)
    window.click("Delete model")
    window.expect_text("This model no longer exists.")


def test_models_are_compared_in_table_and_chart(owner_window: Window) -> None:
    owner_window.go("Models")
    owner_window.open_tab("Compare")
    owner_window.expect_chart()
    owner_window.screenshot("models-compared")


def test_model_is_deleted_only_after_confirmation(window: Window, account: Account, stack: Stack) -> None:
    dataset = account.client.datasets.upload(line_table())
    job = account.client.jobs.wait(account.client.models.start(dataset, "y", type="linear").id)
    window.open_as(account.name, stack, path="models")
    window.expect_page("Models")
    window.click("Delete")
    window.expect_text("cannot be undone")
    assert [model.name for model in account.client.models.list()] == [job.model_name]
    window.click("Delete model")
    window.expect_text("You have no models yet.")
    assert list(account.client.models.list()) == []


def test_prediction_shows_confidence_and_accepts_empty_values(owner_window: Window) -> None:
    owner_window.go("Predict")
    owner_window.field("bill_length_mm").fill("")
    owner_window.click("Predict (5 tokens)")
    owner_window.expect_text(re.compile(r"Charged 5 tokens; balance [\d,]+\."))
    owner_window.expect_text("With 90% confidence")
    owner_window.expect_chart()
    owner_window.screenshot("predict-probabilities")


def test_double_click_is_charged_once(window: Window, owner: Account, stack: Stack) -> None:
    window.open_as(owner.name, stack, path="predict")
    window.expect_page("Predict")
    before = owner.client.wallet.balance().available
    window.page.get_by_role("button", name="Predict (5 tokens)").dblclick()
    window.expect_text(f"Charged 5 tokens; balance {before - 5:,}.")
    window.wait_until_idle()
    assert owner.client.wallet.balance().available == before - 5


def test_predict_page_without_models_links_to_train(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="predict")
    window.expect_page("Predict")
    window.page.get_by_role("link", name="Train your first model").click()
    window.expect_page("Train")
