"""Errors: class by code or status, generated codes, and the members of a problem."""

import re
from typing import get_args

import httpx
import pytest
import typer
from scripts.openapi import DOCUMENT, ERROR_CODES, error_codes
from tests.unit.client.gateway import Caller, Gateway, problem
from typer.core import TyperGroup

import auth_service.main
import billing_service.main
import gateway.main
import ml_service.main
from farebox import FareboxError, NotEnoughTokens
from farebox.command.app import app
from farebox.command.errors import HINTS
from farebox.error_codes import ErrorCode
from farebox.errors import (
    BY_CODE,
    BY_STATUS,
    Conflict,
    InvalidInput,
    NotLoggedIn,
    ServiceFault,
    UnexpectedResponse,
    Unreachable,
    error_from,
)
from kit.errors import ServiceError

# Importing a service defines all its errors.
SERVICES = (auth_service.main, billing_service.main, ml_service.main, gateway.main)
# Their sentences say what to do, and no command would help. A new code belongs here or needs a hint.
SENTENCE_IS_ENOUGH = set(
    """
    account_deleted account_disabled account_mismatch account_not_found batch_column_taken
    billing_unavailable card_declined client_left constant_label coverage_too_high
    csv_bad_quote csv_cell_too_long csv_corrupt_gzip csv_date_out_of_range csv_duplicate_header
    csv_empty csv_empty_header csv_header_too_long csv_header_unusable csv_no_rows
    csv_nul_byte csv_other_format csv_too_few_fields csv_too_large
    csv_too_many_columns csv_too_many_fields csv_too_many_rows csv_undecodable_byte csv_unreadable
    dataset_too_large date_label deadline_passed duplicate_feature email_mismatch email_taken
    empty_column export_too_large fit_too_large field_missing field_unusable file_missing fit_failed forbidden
    form_malformed hashing_busy idempotency_key_expired idempotency_key_reused idempotency_twin_running
    invalid_feature invalid_training_spec json_corrupt json_type_unsupported json_types_mixed
    label_among_features
    load_limit_reached model_exceeds_limit model_name_unusable model_too_large name_taken no_features
    no_probabilities not_a_table not_your_email parquet_corrupt parquet_type_unsupported part_too_small
    purchases_off quote_expired quote_not_found reader_died reader_timed_out readers_busy
    refresh_running sign_up_closed single_class solver_takes_two_classes storage_full store_not_ours
    too_many_at_once too_many_classes too_many_failures too_many_neighbours
    training_cancelled training_failed training_refused training_timed_out upload_changed
    upload_interrupted upstream_down wallet_not_found workbook_corrupt workbook_encrypted
    workbook_sheet_unknown wrong_credentials wrong_password
    challenge_busy challenge_frozen challenge_not_open submission_limit_reached too_many_challenges
    code_unknown group_archived group_full invalid_input last_owner payload_too_large roster_invalid
    time_without_offset too_many_groups too_many_join_codes
    allowance_rule_not_found limit_not_found too_many_rules
    """.split()  # noqa: SIM905 - as a list it would take a line for each
)


def service_statuses() -> dict[str, int]:
    """The status of each code that a service can raise."""
    statuses: dict[str, int] = {}
    classes = [ServiceError]
    while classes:
        subclasses = classes.pop().__subclasses__()
        classes += subclasses
        statuses |= {kind.code: kind.status for kind in subclasses if "code" in vars(kind)}
    return statuses


def error_for(status: int, code: str, **members: object) -> FareboxError:
    response = problem(status, code, **members)
    return error_from(response.status_code, response.headers, response.content)


def test_generated_codes_are_those_of_the_openapi_document() -> None:
    assert ERROR_CODES.read_text() == error_codes(DOCUMENT.read_text())
    assert "not_enough_tokens" in get_args(ErrorCode)


def test_every_code_with_a_class_is_documented() -> None:
    assert set(BY_CODE) <= set(get_args(ErrorCode))


def test_every_code_with_a_hint_is_documented_or_the_clients_own() -> None:
    assert set(HINTS) <= {*get_args(ErrorCode), NotLoggedIn.code, Unreachable.code}


def test_every_code_has_a_hint_or_a_sentence_that_is_enough() -> None:
    assert set(get_args(ErrorCode)) - set(HINTS) == SENTENCE_IS_ENOUGH


@pytest.mark.parametrize("hint", sorted(set(HINTS.values())))
def test_hint_names_a_command_or_an_option_that_exists(hint: str) -> None:
    named = re.findall(r"farebox ((?:[a-z-]+ ?)+)|(--[a-z-]+)", hint)
    assert named
    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    command = whole.commands["train"]
    for words, option in named:
        group: object = whole
        for word in words.split():
            group = group.commands[word] if isinstance(group, TyperGroup) else group
        command = group if isinstance(group, typer.core.TyperCommand) else command
        assert not option or option in {name for each in command.params for name in each.opts}
        assert not words or command is group


@pytest.mark.parametrize(("code", "status"), sorted(service_statuses().items()))
def test_error_of_a_service_keeps_code_and_status(code: str, status: int) -> None:
    error = error_for(status, code)

    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_class_of_code_is_subclass_of_its_status_class(code: str) -> None:
    status = service_statuses()[code]

    assert type(error_for(status, code)) is BY_CODE[code]
    assert issubclass(BY_CODE[code], BY_STATUS[status])
    assert BY_CODE[code].status == status


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_status_has_a_class(status: int) -> None:
    assert type(error_for(status, "something_newer")).status == status


def test_unknown_code_falls_back_to_status() -> None:
    error = error_for(409, "something_newer")

    assert type(error) is Conflict
    assert error.code == "something_newer"


def test_unknown_5xx_status_is_a_service_fault() -> None:
    assert isinstance(error_for(507, "disk_full"), ServiceFault)


@pytest.mark.parametrize("code", ["not_enough_tokens", "token_cap_reached"])
def test_not_enough_tokens_has_required_and_available(code: str) -> None:
    error = error_for(402, code, required=5, available=4)

    assert isinstance(error, NotEnoughTokens)
    assert (error.code, error.required, error.available) == (code, 5, 4)


def test_unreadable_table_has_line_and_column() -> None:
    error = error_for(422, "csv_too_few_fields", line=17, column="island")

    assert isinstance(error, InvalidInput)
    assert (error.line, error.column) == (17, "island")


def test_error_has_sentence_request_id_and_field_errors() -> None:
    error = error_for(422, "invalid_input", errors=[{"pointer": "/body/amount", "detail": "Too small."}])

    assert str(error) == "Do it differently."
    assert error.request_id == "req-1"
    assert isinstance(error, InvalidInput)
    assert error.errors == [{"pointer": "/body/amount", "detail": "Too small."}]


def test_foreign_page_is_an_unexpected_response(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", httpx.Response(200, text="<html>It works!</html>"))

    with pytest.raises(UnexpectedResponse, match="check the address"):
        caller.run(lambda client: client.wallet.balance())


def test_error_page_of_a_proxy_is_an_unexpected_response() -> None:
    error = error_from(502, {}, b"<html>Bad Gateway</html>")

    assert isinstance(error, UnexpectedResponse)
    assert error.status == 502
