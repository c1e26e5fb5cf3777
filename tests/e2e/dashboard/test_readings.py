"""The reading of a table on the pages: settings, decisions, corrections, and predictions of long numbers."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.conftest import PENGUINS
from tests.support.browser import Account, Window
from tests.support.stack import Stack
from tests.support.workbooks import Rows, xlsx

# Every third cell of titer is a limit of detection.
TITERS = "titer,dose,passed\n" + "".join(
    f"{'<0.05' if n % 3 == 0 else n / 100},{n % 9},{'yes' if n % 2 else 'no'}\n" for n in range(60)
)
GERMAN = "name;größe\n" + "".join(f"ä{n % 5};{n},5\n" for n in range(60))
IDS = [str(1234567890123456789 + 1000 * n) for n in range(4)]
ACCOUNTS = "account,z,y\n" + "".join(f"{IDS[n % 4]},{n % 7},{10 * (n % 4)}\n" for n in range(80))
PREDICT = "Predict (5 tokens)"


def open_train(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")


def select_in_file(window: Window, setting: str, option: str, rows: int) -> None:
    """Change a setting of the file; returns when the preview shows so many rows."""
    window.page.get_by_text("Settings of the file").locator("visible=true").click()
    window.select(setting, option)
    window.expect_text(f"The first 20 of {rows} rows")


def apply(window: Window) -> None:
    window.click("Apply")
    window.expect_text("Change a setting to see the table as it would be read.")


def test_file_that_is_refused_is_read_with_a_setting(window: Window, account: Account, stack: Stack) -> None:
    open_train(window, account, stack)
    # A quote that is never closed.
    window.upload("inches.csv", ("size,y\n" + "6,2\n" * 60 + '"5,1\n').encode())
    window.expect_text(re.compile("quote", re.IGNORECASE))
    window.page.get_by_text("Settings of the file").locator("visible=true").click()
    window.select("Quote around cells", "None")
    window.click("Add dataset")
    window.expect_text("The first 20 of 61 rows")
    [dataset] = account.client.datasets.list()
    assert account.client.datasets.get(dataset.id).corrections.quote == ""


@pytest.mark.parametrize(
    ("button", "kind"), [("Read as missing", "number"), ("Read as text", "text"), ("Leave out", None)]
)
def test_column_is_decided_about_before_it_is_trained_on(
    window: Window, account: Account, stack: Stack, button: str, kind: str | None
) -> None:
    dataset = account.client.datasets.upload(TITERS.encode(), name="titers.csv")
    open_train(window, account, stack)
    window.expect_text("titer needs a decision before training")
    window.expect_text(re.compile(r"20 cells are none \(lines 2, 5, 8"))
    window.expect_text("Decide how to read titer first")
    expect(window.page.get_by_role("button", name="Train (1 token)")).to_be_disabled()
    window.screenshot("train-decision")

    window.click(button)

    window.expect_no_text("titer needs a decision before training")
    kinds = {column.name: column.kind for column in account.client.datasets.get(dataset.id).columns}
    assert kinds.get("titer") == kind
    window.select("Label (column to predict)", "passed")
    window.click("Train (1 token)")
    window.expect_text("is ready (1 token).")


def test_correction_is_shown_before_it_is_applied(window: Window, account: Account, stack: Stack) -> None:
    dataset = account.client.datasets.upload(GERMAN.encode(), name="german.csv")
    open_train(window, account, stack)
    window.open_tab("Reading")
    window.expect_text("Change a setting to see the table as it would be read.")
    window.select("Column to correct", "größe")
    window.select("Type", "Text")
    window.expect_text("Preview")
    window.screenshot("train-reading")
    assert account.client.datasets.get(dataset.id) == dataset

    window.click("Discard changes")
    window.expect_text("Change a setting to see the table as it would be read.")
    select_in_file(window, "Names of columns", "None", rows=61)
    apply(window)

    corrected = account.client.datasets.get(dataset.id)
    assert [column.name for column in corrected.columns] == ["column_1", "column_2"]
    assert (corrected.corrections.header, corrected.corrections.columns) == (False, {})


def test_correction_that_does_not_fit_cannot_be_applied(
    window: Window, account: Account, stack: Stack
) -> None:
    account.client.datasets.upload(TITERS.encode(), name="titers.csv")
    open_train(window, account, stack)
    window.open_tab("Reading")
    window.select("Type", "Number")
    window.expect_text(re.compile("Line 2, column 'titer'"))
    expect(window.page.get_by_role("button", name="Apply")).to_be_disabled()
    window.select("Cells of another type", "Read as missing")
    window.click("Apply")
    window.expect_no_text("titer needs a decision before training")


def test_sheet_of_a_workbook_is_selected(window: Window, account: Account, stack: Stack) -> None:
    grades: Rows = [["Grades of 2025"], ["grade", "hours"], *([n % 4, n % 7] for n in range(60))]
    content = xlsx([["a", "remark"], [1, "x"]], grades, names=["Notes", "Grades"])
    dataset = account.client.datasets.upload(content, name="grades.xlsx")
    open_train(window, account, stack)
    window.expect_text("The sheet 'Notes' was read")
    window.open_tab("Reading")
    select_in_file(window, "Sheet", "Grades", rows=60)
    window.screenshot("train-sheet")
    apply(window)

    corrected = account.client.datasets.get(dataset.id)
    assert (corrected.reading.sheet, corrected.corrections.skip_top) == ("Grades", None)
    assert [column.name for column in corrected.columns] == ["grade", "hours"]


def test_reading_is_corrected_on_a_phone(phone: Window, account: Account, stack: Stack) -> None:
    dataset = account.client.datasets.upload(TITERS.encode(), name="titers.csv")
    open_train(phone, account, stack)
    phone.open_tab("Reading")
    phone.select("Type", "Left out")
    phone.screenshot("phone-reading")
    phone.click("Apply")
    phone.expect_no_text("titer needs a decision before training")
    assert account.client.datasets.get(dataset.id).reading.columns["titer"].type == "omitted"


@pytest.fixture
def by_account(account: Account) -> Account:
    """An account with a model that has a feature of 19 digits."""
    account.client.models.train(ACCOUNTS.encode(), "y", type="linear", task="regression", name="accounts")
    return account


def test_long_id_is_predicted_as_it_is(window: Window, by_account: Account, stack: Stack) -> None:
    window.open_as(by_account.name, stack, path="predict")
    window.expect_page("Predict")
    window.select("account", IDS[2])
    window.click(PREDICT)
    window.expect_text(re.compile(r"^20(\.0+)?$|^20$"))
    window.expect_text("Charged 5 tokens")
    window.expect_no_text("no such category")


def test_number_that_would_be_rounded_is_refused_at_its_field(
    window: Window, by_account: Account, stack: Stack
) -> None:
    before = by_account.client.wallet.balance()
    window.open_as(by_account.name, stack, path="predict")
    window.expect_page("Predict")
    window.fill("z", "9007199254740993")
    window.page.keyboard.press("Tab")
    expect(window.field("z")).to_have_attribute("aria-invalid", "true")
    window.click(PREDICT)
    window.wait_until_idle()
    assert by_account.client.wallet.balance() == before
    window.screenshot("predict-too-long")


def test_batch_shows_rows_unknown_categories_and_score(owner_window: Window) -> None:
    header, *rows = PENGUINS.read_text().splitlines()
    rows = [row.replace("Dream", "Atlantis") for row in rows]
    table = "\n".join([header.replace("year", "jahr größe"), *rows, ""]).replace(",", ";")
    owner_window.go("Predict")
    owner_window.open_tab("File of rows")
    owner_window.attach("birds.csv", table.encode("cp1252"))
    owner_window.click("Predict (5 tokens per 1,000 rows)")
    owner_window.expect_text("Predicted 344 of 344 rows (5 tokens).")
    owner_window.expect_text("124 rows have a category that the model has not learnt")
    owner_window.expect_text("Accuracy on this file")
    owner_window.expect_text("The first 20 of 344 rows.")
    owner_window.screenshot("predict-file-score")
