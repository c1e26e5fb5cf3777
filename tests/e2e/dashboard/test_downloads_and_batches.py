"""Batch predictions and downloads."""

import csv
import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.dashboard.conftest import PENGUINS
from tests.support.browser import Account, Window
from tests.support.stack import Stack
from tests.support.workbooks import ods, rows_of_csv, xlsx

BUTTON = "Predict (5 tokens per 1,000 rows)"

ROWS = rows_of_csv(PENGUINS.read_bytes(), {"species", "island", "sex"})
JSON_LINES = "".join(
    f"{json.dumps(dict(zip(map(str, ROWS[0]), row, strict=True)))}\n" for row in ROWS[1:31]
).encode()


def test_batch_returns_rows_with_predictions_and_can_be_downloaded_again(
    owner_window: Window, owner: Account
) -> None:
    before = owner.client.wallet.balance().available
    owner_window.go("Predict")
    owner_window.open_tab("File of rows")
    header, *rows = PENGUINS.read_text().splitlines()
    invalid = rows[0].replace("39.1", "long")
    owner_window.attach("birds.csv", "\n".join([header, *rows[:30], invalid, ""]).encode())
    owner_window.click(BUTTON)
    owner_window.expect_text("Predicted 30 of 31 rows (5 tokens).")
    owner_window.screenshot("predict-file")

    filename, content = owner_window.download("Download")

    predicted = list(csv.DictReader(io.StringIO(content.decode())))
    assert filename == "birds.predicted.csv"
    assert [row["prediction"] == row["species"] for row in predicted].count(True) >= 25
    assert "number" in predicted[-1]["error"]
    assert owner.client.wallet.balance().available == before - 5

    owner_window.page.reload()
    owner_window.expect_page("Predict")
    owner_window.open_tab("File of rows")
    owner_window.wait_until_drawn()
    owner_window.page.get_by_text("Earlier batches").click()
    owner_window.click("Prepare download")
    owner_window.expect_text("Predicted 30 of 31 rows (5 tokens).")
    assert owner_window.download("Download")[1] == content


@pytest.mark.parametrize(
    ("uploaded", "content", "result", "start"),
    [
        ("birds.xlsx", xlsx([["Notes"]], ROWS[:31]), "birds.predicted.csv", b"\xef\xbb\xbfspecies,"),
        ("birds.ods", ods(ROWS[:31]), "birds.predicted.csv", b"\xef\xbb\xbfspecies,"),
        ("birds.jsonl", JSON_LINES, "birds.predicted.jsonl", b'{"species": '),
    ],
)
def test_result_of_another_format_is_named_and_shown_by_its_own(
    owner_window: Window, uploaded: str, content: bytes, result: str, start: bytes
) -> None:
    owner_window.go("Predict")
    owner_window.open_tab("File of rows")
    owner_window.attach(uploaded, content)
    owner_window.click(BUTTON)
    owner_window.expect_text("Predicted 30 of 30 rows (5 tokens).")
    owner_window.expect_text("The first 20 of 30 rows.")
    owner_window.screenshot(f"predict-file-{uploaded.replace('.', '-')}")

    filename, predicted = owner_window.download("Download")

    assert filename == result
    assert predicted.startswith(start)
    assert predicted.count(b"Adelie") >= 55


def test_batch_without_feature_columns_is_refused_without_charge(
    owner_window: Window, owner: Account
) -> None:
    before = owner.client.wallet.balance().available
    owner_window.go("Predict")
    owner_window.open_tab("File of rows")
    owner_window.click(BUTTON)
    owner_window.expect_text("Select a file first.")
    owner_window.attach("other.csv", b"a,b\n1,2\n")
    owner_window.click(BUTTON)
    expect(owner_window.page.get_by_role("alert").filter(has_text="lacks the column")).to_be_visible()
    owner_window.screenshot("predict-file-refused")
    assert owner.client.wallet.balance().available == before


def test_downloaded_report_opens_offline(owner_window: Window, browser: Browser) -> None:
    owner_window.go("Models")
    filename, content = owner_window.download("Download report")

    assert filename.endswith("_penguins-random_forest.html")
    context = browser.new_context(offline=True)
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.set_content(content.decode())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Better than guessing").first).to_be_visible()
    assert [url for url in requested if not url.startswith("data:")] == []
    context.close()


def test_model_is_exported_as_zip(owner_window: Window) -> None:
    owner_window.go("Models")
    filename, content = owner_window.download("Export as zip")

    assert filename.endswith("_penguins-random_forest.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert {"MANIFEST.json", "score.py"} <= set(bundle.namelist())
        assert bundle.testzip() is None


def test_ledger_is_downloaded_as_csv(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="wallet")
    window.expect_page("Wallet")

    filename, content = window.download("Download CSV")

    assert filename == "ledger.csv"
    assert re.search(r"opening_grant.*15", content.decode())
