"""CSV download of the ledger."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from billing_service.models import Transfer
from billing_service.statements.downloads import transfers_as_csv


def charge(resource: str) -> Transfer:
    return Transfer(
        id=1,
        debit_account=1000,
        credit_account=3,
        amount=5,
        kind="charge",
        key="work",
        resource=resource,
        balance_after=10,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def one_page(*rows: Transfer) -> AsyncIterator[Sequence[Transfer]]:
    yield rows


@pytest.mark.parametrize("resource", ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1"])
async def test_csv_quotes_cells_that_a_spreadsheet_would_run(resource: str) -> None:
    text = "".join([part async for part in transfers_as_csv(one_page(charge(resource)), 1000)])
    assert f"'{resource}" in text


async def test_csv_amounts_stay_numbers() -> None:
    text = "".join([part async for part in transfers_as_csv(one_page(charge("m")), 1000)])
    header, row = text.splitlines()
    assert header.startswith("id,created_at,kind,amount,balance")
    assert row.startswith("1,2026-01-01T00:00:00Z,charge,-5,10")
