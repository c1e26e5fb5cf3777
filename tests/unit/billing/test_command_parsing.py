"""Parsing of the operations of the internal API."""

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from fastapi.exceptions import RequestValidationError
from tests.support.billing import charge, hold
from tests.support.billing_books import NOW

from billing_service.ledger.commands import (
    ChargeTokens,
    ExtendHold,
    KeyCap,
    PricedOperation,
    RefundCharge,
    RefundHold,
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
    commands = parse_commands(body_of(settle, release, extend), NOW)
    assert commands == [SettleHold("a"), ReleaseHold("a"), ExtendHold("a", 5)]


def test_charge_and_refund_are_parsed_with_their_request_id() -> None:
    api_key = {"id": 3, "token_cap": 9}
    work = charge(7, "a", resource="a-model", api_key=api_key, request_id="r-1")
    refund = {"operation": "refund", "charge": "a", "user_id": 7, "request_id": "r-2"}
    assert parse_commands(body_of(work, refund), NOW) == [
        ChargeTokens(UserId(7), "a", "predict", 1, "a-model", KeyCap(ApiKeyId(3), 9), request_id="r-1"),
        RefundCharge("a", UserId(7), request_id="r-2"),
    ]


def test_refund_names_a_charge_or_a_hold() -> None:
    of_charge = {"operation": "refund", "charge": "a", "user_id": 7}
    of_hold = {"operation": "refund", "hold": "a", "user_id": 7}
    assert parse_commands(body_of(of_charge, of_hold), NOW) == [
        RefundCharge("a", UserId(7)),
        RefundHold("a", UserId(7)),
    ]


@pytest.mark.parametrize("operation", [charge, hold])
def test_time_limit_counts_from_receipt(operation: Callable[..., dict[str, object]]) -> None:
    limited, unlimited = parse_commands(
        body_of(operation(7, timeout_ms=1500), operation(7, timeout_ms=None)), NOW
    )
    assert isinstance(limited, PricedOperation)
    assert isinstance(unlimited, PricedOperation)
    assert (limited.decide_by, unlimited.decide_by) == (NOW + timedelta(seconds=1.5), None)


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
        charge(1, timeout_ms=-1),
        charge(1, timeout_ms=1.5),
        charge(1, timeout_ms=True),
        charge(1, timeout_ms=2**63),
        charge(2**63),
        charge("7"),
        charge(7.0),
        charge(1, units=2**63),
        charge(1, api_key={"id": 2**63}),
        charge(1, api_key={"id": 1, "token_cap": 2**63}),
        {"operation": "refund", "user_id": 1},
        {"operation": "refund", "charge": "a", "hold": "a", "user_id": 1},
        {"operation": "refund", "hold": "a", "user_id": 2**63},
        {"operation": "settle", "hold": "a", "timeout_ms": 5},
        {"operation": "refund", "charge": "a"},
        {"operation": "refund", "charge": "", "user_id": 1},
        {"operation": "refund", "charge": "a", "user_id": 1, "tokens": 1},
        {"operation": "settle", "hold": "a", "tokens": -1},
        {"operation": "settle", "hold": "a", "tokens": 2**63},
    ],
)
def test_invalid_command_is_refused_alone(invalid: object) -> None:
    release = {"operation": "release", "hold": "a"}
    first, second, third = parse_commands(body_of(release, invalid, release), NOW)
    assert isinstance(second, InvalidInput)
    assert first == third == ReleaseHold("a")


@pytest.mark.parametrize("number", [2**64, 10**30, 10**400, -(2**64)])
def test_number_beyond_64_bits_is_refused_alone(number: int) -> None:
    body = body_of(
        {"operation": "refund", "hold": "a", "user_id": 987}, {"operation": "release", "hold": "a"}
    )
    refused, accepted = parse_commands(body.replace(b"987", str(number).encode()), NOW)
    assert isinstance(refused, InvalidInput)
    assert accepted == ReleaseHold("a")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"operations": []}', b'{"operations": 7}', body_of(*[hold(1)] * 257)],
)
def test_body_without_list_of_operations_is_refused(body: bytes) -> None:
    with pytest.raises(RequestValidationError):
        parse_commands(body, NOW)
