"""The tree of errors mirrors the problem codes of the services."""

from collections.abc import Iterator

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, problem

import auth_service.errors
import auth_service.main
import billing_service.errors
import billing_service.main
import gateway.errors
import gateway.main
import ml_service.errors
import ml_service.learning.tables.errors
import ml_service.main
from farebox import FareboxError, NotEnoughTokens
from farebox.calls import Answer
from farebox.errors import AnswerNotUnderstood, Conflict, CsvUnreadable, InvalidInput, ServiceFault
from farebox.errors.by_status import BY_STATUS
from farebox.problems import error_of, known_codes
from kit.errors import ServiceError

# Importing a service brings all its errors with it.
SERVICES = (auth_service.main, billing_service.main, ml_service.main, gateway.main)
# Only ever said to another service.
INTERNAL = {"hold_not_found", "hold_ended", "settle_above_hold"}


def service_errors() -> Iterator[type[ServiceError]]:
    waiting = [ServiceError]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        yield from (each for each in kinds if "code" in vars(each))


def told(status: int, code: str, **members: object) -> FareboxError:
    response = problem(status, code, **members)
    return error_of(Answer(response.status_code, response.headers, response.content))


@pytest.mark.parametrize("kind", sorted(set(service_errors()), key=lambda each: each.code))
def test_every_error_of_a_service_has_its_own_here(kind: type[ServiceError]) -> None:
    if kind.code in INTERNAL:
        return
    assert kind.code in known_codes()
    assert type(told(kind.status, kind.code)).status == kind.status


def test_no_error_here_has_outlived_its_service() -> None:
    told_by_services = {kind.code for kind in service_errors()}
    fallbacks = {kind.code for kind in BY_STATUS.values()}

    assert set(known_codes()) - told_by_services <= fallbacks


def test_every_code_stands_for_one_class() -> None:
    codes = [kind.code for kind in known_codes().values()]

    assert len(set(codes)) == len(codes)


def test_an_unknown_code_falls_back_to_its_status() -> None:
    error = told(409, "something_newer")

    assert type(error) is Conflict
    assert error.code == "something_newer"


def test_an_unknown_status_is_still_told_apart_by_whose_fault_it_is() -> None:
    assert isinstance(told(507, "disk_full"), ServiceFault)


def test_not_enough_tokens_says_how_much_is_missing() -> None:
    error = told(402, "not_enough_tokens", required=5, available=4)

    assert isinstance(error, NotEnoughTokens)
    assert (error.required, error.available) == (5, 4)


def test_an_unreadable_file_says_where() -> None:
    error = told(422, "csv_too_few_fields", line=17, column="island")

    assert isinstance(error, CsvUnreadable)
    assert (error.line, error.column) == (17, "island")


def test_an_error_reads_as_its_sentence_and_keeps_what_to_quote() -> None:
    error = told(422, "invalid_input", errors=[{"pointer": "/body/amount", "detail": "Too small."}])

    assert str(error) == "Do it differently."
    assert error.request_id == "req-1"
    assert isinstance(error, InvalidInput)
    assert error.errors == [{"pointer": "/body/amount", "detail": "Too small."}]


def test_a_page_of_something_else_is_not_mistaken_for_an_answer(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", httpx.Response(200, text="<html>It works!</html>"))

    with pytest.raises(AnswerNotUnderstood, match="check the address"):
        caller.run(lambda client: client.wallet.balance())


def test_a_proxys_error_page_is_told_as_one() -> None:
    error = error_of(Answer(502, {}, b"<html>Bad Gateway</html>"))

    assert isinstance(error, AnswerNotUnderstood)
    assert error.status == 502
