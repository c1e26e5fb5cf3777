"""Parsing of the operations of the internal API."""

import orjson
import pytest
from fastapi.exceptions import RequestValidationError
from tests.support.billing import charge, hold

from billing_service.ledger.commands import (
    ChargeTokens,
    ExtendHold,
    KeyCap,
    RefundCharge,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.endpoints import parse_commands
from kit.errors import InvalidInput
from kit.identity import ApiKeyId, UserId


def body_of(*operations: object) -> bytes:
    return orjson.dumps({"operations": operations})


def test_commands_of_all_kinds_keep_their_order() -> None:
    settle = {"operation": "settle", "hold": "a"}
    release = {"operation": "release", "hold": "a"}
    extend = {"operation": "extend", "hold": "a", "ttl_seconds": 5}
    commands = parse_commands(body_of(settle, release, extend))
    assert commands == [SettleHold("a"), ReleaseHold("a"), ExtendHold("a", 5)]


def test_charge_and_refund_are_parsed_with_their_request_id() -> None:
    api_key = {"id": 3, "token_cap": 9}
    work = charge(7, "a", resource="a-model", api_key=api_key, request_id="r-1")
    refund = {"operation": "refund", "charge": "a", "user_id": 7, "request_id": "r-2"}
    assert parse_commands(body_of(work, refund)) == [
        ChargeTokens(UserId(7), "a", "predict", 1, "a-model", KeyCap(ApiKeyId(3), 9), request_id="r-1"),
        RefundCharge("a", UserId(7), request_id="r-2"),
    ]


@pytest.mark.parametrize(
    "invalid",
    [
        {},
        None,
        7,
        {"operation": "steal", "hold": "a"},
        hold(1, action="fly"),
        hold(1, units=-1),
        hold(1, units=True),
        hold(1, units=1.5),
        hold(0),
        hold(2**63),
        hold(1, ttl_seconds=0),
        hold(1, ttl_seconds=86_401),
        hold(1, resource="a\x00b"),
        hold(1, resource=""),
        hold(1, key="k" * 201),
        hold(1, key="\x00"),
        hold(1, surprise=1),
        hold(1, quote_id="not-a-uuid"),
        charge(1, ttl_seconds=5),
        charge(1, action="fly"),
        charge(1, request_id="r" * 129),
        {"operation": "refund", "charge": "a"},
        {"operation": "refund", "charge": "", "user_id": 1},
        {"operation": "refund", "charge": "a", "user_id": 1, "tokens": 1},
        {"operation": "settle", "hold": "a", "tokens": -1},
        {"operation": "settle", "hold": "a", "tokens": 2**63},
    ],
)
def test_invalid_command_is_refused_alone(invalid: object) -> None:
    release = {"operation": "release", "hold": "a"}
    first, second, third = parse_commands(body_of(release, invalid, release))
    assert isinstance(second, InvalidInput)
    assert first == third == ReleaseHold("a")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"operations": []}', b'{"operations": 7}', body_of(*[hold(1)] * 257)],
)
def test_body_without_list_of_operations_is_refused(body: bytes) -> None:
    with pytest.raises(RequestValidationError):
        parse_commands(body)
