"""Billing that can fail, with ten tokens for Ada."""

import pytest
from tests.support.unreliable_billing import UnreliableBilling

from kit.identity import UserId


@pytest.fixture
def billing() -> UnreliableBilling:
    billing = UnreliableBilling()
    billing.grant(UserId(1), 10)
    return billing
