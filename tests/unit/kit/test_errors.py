"""Errors keep their class and members between processes and services."""

import pickle

from kit.errors import RelayedError, ServiceError, from_document


class Shortage(ServiceError):
    status = 402
    code = "test_shortage"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(f"{required} are needed.", required=required, available=available)


def test_error_survives_pickling_with_its_class_and_members() -> None:
    error = pickle.loads(pickle.dumps(Shortage(5, 3)))  # noqa: S301 - our own bytes
    assert isinstance(error, Shortage)
    assert (error.detail, error.members) == ("5 are needed.", {"required": 5, "available": 3})


def test_document_of_a_known_code_is_rebuilt_as_its_class() -> None:
    error = from_document(Shortage(5, 3).to_document())
    assert isinstance(error, Shortage)
    assert (error.detail, error.members) == ("5 are needed.", {"required": 5, "available": 3})


def test_document_of_an_unknown_code_is_relayed_with_its_members() -> None:
    document = {"status": 418, "code": "unheard_of", "detail": "No.", "members": {"left": 2}}
    error = from_document(document)
    assert isinstance(error, RelayedError)
    assert error.to_document() == document
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert copy.to_document() == document


def test_problem_of_another_service_keeps_further_members() -> None:
    problem = {
        "type": "urn:farebox:problem:forbidden",
        "title": "Forbidden",
        "status": 403,
        "detail": "Not yours.",
        "code": "forbidden",
        "request_id": "abc",
        "owner": 7,
    }
    error = RelayedError.from_problem(problem)
    assert error.to_document() == {
        "status": 403,
        "code": "forbidden",
        "detail": "Not yours.",
        "members": {"owner": 7},
    }
