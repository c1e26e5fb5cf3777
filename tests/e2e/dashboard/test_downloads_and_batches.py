"""Files into models and out of them."""

import csv
import io
import re
import zipfile

from playwright.sync_api import Browser, expect
from tests.e2e.dashboard.conftest import PENGUINS
from tests.support.browser import Somebody, Window
from tests.support.stack import Stack

PRICE = "Predict for 5 tokens for each started 1,000 rows"


def test_a_file_of_rows_comes_back_with_a_prediction_for_each(owners_window: Window, owner: Somebody) -> None:
    before = owner.client.wallet.balance().available
    owners_window.go("Predict")
    owners_window.tab("A file of rows")
    header, *rows = PENGUINS.read_text().splitlines()
    bad = rows[0].replace("39.1", "long")
    owners_window.attach("birds.csv", "\n".join([header, *rows[:30], bad, ""]).encode())
    owners_window.press(PRICE)
    owners_window.sees("30 of 31 rows are predicted for 5 tokens.")
    owners_window.picture("predict-file")

    filename, content = owners_window.download("Download")

    told = list(csv.DictReader(io.StringIO(content.decode())))
    assert filename == "birds.predicted.csv"
    assert [each["prediction"] == each["species"] for each in told].count(True) >= 25
    assert "number" in told[-1]["error"]
    assert owner.client.wallet.balance().available == before - 5

    owners_window.page.reload()
    owners_window.is_at("Predict")
    owners_window.tab("A file of rows")
    owners_window.settle()
    owners_window.page.get_by_text("Files predicted before").click()
    owners_window.press("Fetch it")
    owners_window.sees("30 of 31 rows are predicted for 5 tokens.")
    assert owners_window.download("Download")[1] == content


def test_a_file_without_the_models_columns_is_refused_and_costs_nothing(
    owners_window: Window, owner: Somebody
) -> None:
    before = owner.client.wallet.balance().available
    owners_window.go("Predict")
    owners_window.tab("A file of rows")
    owners_window.press(PRICE)
    owners_window.sees("Choose a file first.")
    owners_window.attach("other.csv", b"a,b\n1,2\n")
    owners_window.press(PRICE)
    expect(owners_window.page.get_by_role("alert").filter(has_text="lacks the column")).to_be_visible()
    owners_window.picture("predict-file-refused")
    assert owner.client.wallet.balance().available == before


def test_a_report_is_a_page_that_opens_without_any_server(owners_window: Window, browser: Browser) -> None:
    owners_window.go("Models")
    filename, content = owners_window.download("Report as a page")

    assert filename.endswith("_penguins-random_forest.html")
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(content.decode())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Better than guessing").first).to_be_visible()
    assert [url for url in asked if not url.startswith("data:")] == []
    context.close()


def test_a_model_is_taken_along(owners_window: Window) -> None:
    owners_window.go("Models")
    filename, content = owners_window.download("Export")

    assert filename.endswith("_penguins-random_forest.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert {"MANIFEST.json", "score.py"} <= set(bundle.namelist())
        assert bundle.testzip() is None


def test_the_whole_ledger_is_had_as_csv(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="wallet")
    window.is_at("Wallet")

    filename, content = window.download("All as CSV")

    assert filename == "ledger.csv"
    assert re.search(r"opening_grant.*15", content.decode())
