"""Faults of answers: too early, to the wrong request, given twice, kept by caches or saying too much."""

from tests.planted.fault import Fault

KIT, UNIT, INTEGRATION = "kit/src/kit", "tests/unit/kit", "tests/integration/kit"
IDEMPOTENCY, FIRST_ANSWERS = f"{KIT}/idempotency.py", f"{INTEGRATION}/test_first_answers.py"

ANSWERS = [
    Fault(
        "commit-after-the-answer",
        f"{KIT}/database.py",
        'Session = Annotated[AsyncSession, Depends(open_session, scope="function")]',
        'Session = Annotated[AsyncSession, Depends(open_session, scope="request")]',
        f"{INTEGRATION}/test_sessions.py::test_transaction_is_committed_before_the_first_byte",
    ),
    Fault(
        "read-session-may-write",
        f"{KIT}/database.py",
        '        "default_transaction_read_only": "on" if read_only else "off",\n',
        '        "default_transaction_read_only": "off",\n',
        f"{INTEGRATION}/test_sessions.py::test_postgresql_refuses_to_write_through_a_read_session",
    ),
    Fault(
        "answer-kept-by-caches",
        f"{KIT}/request_context.py",
        "                    headers.append(NO_STORE)\n",
        "                    pass\n",
        f"{UNIT}/test_request_context.py::test_answer_is_not_stored_by_caches",
    ),
    Fault(
        "text-of-a-crash-shown",
        f"{KIT}/problems.py",
        '        "Something went wrong on our side. Report it with the request id."\n',
        '        f"Something went wrong on our side: {error}"\n',
        f"{UNIT}/test_problems.py::test_crash_response_hides_its_message",
    ),
    Fault(
        "sent-value-repeated",
        f"{KIT}/problems.py",
        '    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".") + "."\n',
        '    return str(fault["msg"]).removeprefix("Value error, ") + f": {fault[\'input\']}."\n',
        f"{UNIT}/test_problems.py::test_problem_never_repeats_the_body",
    ),
    Fault(
        "tombstone-ignored",
        IDEMPOTENCY,
        "        if row is not None and row.expired:\n            raise IdempotencyKeyExpired\n",
        "",
        f"{INTEGRATION}/test_expired_answers.py::test_key_is_refused_once_its_answer_is_gone",
    ),
    Fault(
        "key-forgotten-with-its-answer",
        IDEMPOTENCY,
        ".values(**cleared, expired=True)",
        ".values(**cleared)",
        f"{INTEGRATION}/test_expired_answers.py::test_key_is_refused_once_its_answer_is_gone",
    ),
    Fault(
        "twin-allowed",
        IDEMPOTENCY,
        "columns.lease_until < func.now())\n                & ~columns.expired",
        "~columns.expired)\n                & ~columns.expired",
        f"{FIRST_ANSWERS}::test_twin_is_refused_while_the_first_request_runs",
    ),
    Fault(
        "key-with-other-input-accepted",
        IDEMPOTENCY,
        "        if row is not None and not hmac.compare_digest(row.fingerprint, request.fingerprint):\n",
        "        if False:\n",
        f"{FIRST_ANSWERS}::test_key_reused_with_other_input_is_refused",
    ),
    Fault(
        "second-answer-stored",
        IDEMPOTENCY,
        "update(self._table).where(self._is_as_claimed(claim)).values(stored)",
        "update(self._table).where(self._is(claim.request)).values(stored)",
        f"{FIRST_ANSWERS}::test_effect_is_rolled_back_when_another_request_has_answered",
    ),
    Fault(
        "lost-claim-answered",
        IDEMPOTENCY,
        " & (columns.lease == claim.lease) & ",
        " & ",
        f"{FIRST_ANSWERS}::TestRequestThatLostItsClaim",
    ),
    Fault(
        "charge-of-another-claim-refunded",
        "ml-service/src/ml_service/billing/repository.py",
        "if claim is not None and not await claim.is_current(session):",
        "if False:",
        "tests/integration/ml/test_killed_process.py::"
        "test_process_that_wakes_after_its_twin_has_answered_changes_nothing",
    ),
    Fault(
        "event-applied-twice",
        f"{KIT}/outbox.py",
        "    return (await session.execute(statement)).first() is not None\n\n\n@dataclass",
        "    await session.execute(statement)\n    return True\n\n\n@dataclass",
        f"{INTEGRATION}/test_outbox.py::test_repeated_event_is_applied_once",
    ),
]
