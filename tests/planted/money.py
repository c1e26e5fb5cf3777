"""Faults of payments: tokens that are moved twice, too late, unasked or not at all."""

from tests.planted.fault import Fault

LEDGER = "billing-service/src/billing_service/ledger"
CHARGE_RULES, HOLD_RULES = f"{LEDGER}/charge_rules.py", f"{LEDGER}/hold_rules.py"
PAYMENT_RULES = f"{LEDGER}/payment_rules.py"
PAYMENTS = "ml-service/src/ml_service/billing"
UNIT, INTEGRATION = "tests/unit/billing", "tests/integration/billing"

MONEY = [
    Fault(
        "refund-dropped",
        f"{PAYMENTS}/charges.py",
        """\
            require_time_left()
        except BaseException:
            await self._refund(charge, claim)
            raise
""",
        """\
            require_time_left()
        except BaseException:
            raise
""",
        "tests/integration/ml/test_charges.py::test_failed_scoring_is_refunded",
    ),
    Fault(
        "lost-charge-not-refunded",
        f"{PAYMENTS}/charges.py",
        "            if not is_answered:\n                await self._refund(charge, claim)\n",
        "",
        "tests/unit/ml/billing/test_charges.py::test_charge_without_an_answer_costs_nothing",
    ),
    Fault(
        "new-payment-of-a-stored-answer-forgotten",
        f"{PAYMENTS}/charges.py",
        "                await stored.record_payment(charge.key)\n",
        "                pass\n",
        "tests/unit/ml/billing/test_stored_answers.py::TestCharged::test_stays_paid_when_its_replay_fails",
    ),
    Fault(
        "stored-answer-paid-under-an-earlier-key",
        f"{PAYMENTS}/stored_answers.py",
        "        return attempts[paid[0] if paid else 0 :]\n",
        "        return attempts\n",
        "tests/unit/ml/billing/test_stored_answers.py::TestCharged"
        "::test_that_was_paid_under_a_later_key_is_not_paid_under_an_earlier_one",
    ),
    Fault(
        "late-settlement-paid-twice",
        f"{PAYMENTS}/holds.py",
        "            return await billing.settle(charge.key, tokens)\n        # The price",
        "            raise\n        # The price",
        "tests/unit/ml/billing/test_holds.py::test_settlement_that_arrives_late_is_not_charged_twice",
    ),
    Fault(
        "refund-sent-before-it-is-recorded",
        f"{PAYMENTS}/refunds.py",
        "        try:\n            if not await self._store.add([refund], claim):\n",
        "        await self._send([refund])\n"
        "        try:\n            if not await self._store.add([refund], claim):\n",
        "tests/integration/ml/test_charges.py::test_refund_is_recorded_before_it_is_sent",
    ),
    Fault(
        "late-answer-kept-paid",
        f"{PAYMENTS}/charges.py",
        "            yield charge.key, receipt\n            require_time_left()\n",
        "            yield charge.key, receipt\n",
        "tests/unit/ml/billing/test_charges.py::test_work_that_ends_after_the_deadline_costs_nothing",
    ),
    Fault(
        "hold-settled-twice",
        HOLD_RULES,
        """\
    if hold.state == "settled":
        return _settled(hold, books, replayed=True)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    tokens = hold.tokens if""",
        "    tokens = hold.tokens if",
        f"{UNIT}/test_hold_rules.py::TestSettle::test_second_settle_replays_the_first",
    ),
    Fault(
        "hold-beyond-the-balance",
        PAYMENT_RULES,
        "    if tokens > available:\n",
        "    if False:\n",
        f"{UNIT}/test_ledger_properties.py::test_wallet_is_never_overspent",
    ),
    Fault(
        "settlement-above-its-hold",
        HOLD_RULES,
        "    if tokens > hold.tokens:\n        raise SettleAboveHold(hold.tokens)\n",
        "",
        f"{UNIT}/test_hold_rules.py::TestSettle::test_settle_above_hold_is_refused",
    ),
    Fault(
        "refund-of-a-hold-leaves-its-key",
        HOLD_RULES,
        "    if not replayed:\n        books.add_hold(",
        "    if False:\n        books.add_hold(",
        f"{UNIT}/test_hold_refunds.py::TestRefundBeforeItsHold::test_key_is_void",
    ),
    Fault(
        "input-of-a-charge-ignored",
        CHARGE_RULES,
        '        if not command.repeats(earlier.input_hash or b""):\n'
        "            raise IdempotencyKeyReused\n",
        "",
        f"{UNIT}/test_charge_rules.py::TestCharge::test_same_key_with_other_input_is_refused",
    ),
    Fault(
        "charge-after-its-refund",
        CHARGE_RULES,
        "    if refund_key(command.key) in books.first_answers:\n        raise ChargeRefunded\n",
        "",
        f"{UNIT}/test_charge_rules.py::TestRefund::test_charge_after_its_refund_is_refused",
    ),
    Fault(
        "deadline-ignored",
        CHARGE_RULES,
        "    if command.decide_by is not None and now > command.decide_by:\n",
        "    if False:\n",
        f"{UNIT}/test_charge_rules.py::TestDeadline::test_late_charge_is_refused_and_changes_nothing",
    ),
    Fault(
        "absent-caller-charged",
        f"{LEDGER}/rules.py",
        "    if is_abandoned:\n",
        "    if False:\n",
        f"{UNIT}/test_charge_rules.py::TestDeadline::test_charges_and_holds_of_an_abandoned_call_are_refused",
    ),
    Fault(
        "expired-allowance-spent",
        PAYMENT_RULES,
        "live = [allowance for allowance in own if not allowance.has_ended(now)]\n",
        "live = list(own)\n",
        f"{UNIT}/test_group_properties.py::test_random_operations_agree_with_the_plain_ledger",
    ),
    Fault(
        "short-pool-issues-allowances",
        f"{LEDGER}/fund_rules.py",
        "    if tokens > pool.available:\n",
        "    if False:\n",
        f"{UNIT}/test_group_properties.py::test_random_operations_agree_with_the_plain_ledger",
    ),
    Fault(
        "spending-limit-ignored",
        f"{LEDGER}/limit_rules.py",
        "        if used + tokens > limit.amount:\n",
        "        if False:\n",
        f"{INTEGRATION}/test_limits.py::test_limit_binds_each_member_and_names_its_reset",
    ),
    Fault(
        "token-cap-ignored",
        PAYMENT_RULES,
        "    if tokens > left:\n",
        "    if False:\n",
        f"{UNIT}/test_charge_rules.py::TestCharge::test_token_cap_counts_charged_tokens",
    ),
    Fault(
        "second-opening-grant",
        f"{LEDGER}/wallet_rules.py",
        "    if command.key in books.first_answers or wallet.closed_at is not None:\n",
        "    if wallet.closed_at is not None:\n",
        f"{UNIT}/test_wallet_rules.py::TestOpenWallet::test_name_with_earlier_grant_gets_nothing",
    ),
    Fault(
        "wallets-locked-in-any-order",
        f"{LEDGER}/sql.py",
        "WHERE owner_id = ANY($1::bigint[])\nORDER BY id FOR NO KEY UPDATE\n",
        "WHERE owner_id = ANY($1::bigint[])\nFOR NO KEY UPDATE\n",
        f"{INTEGRATION}/test_batches.py::test_wallets_are_locked_in_order_of_their_ids",
    ),
    Fault(
        "wallets-not-locked",
        f"{LEDGER}/sql.py",
        "WHERE owner_id = ANY($1::bigint[])\nORDER BY id FOR NO KEY UPDATE\n",
        "WHERE owner_id = ANY($1::bigint[])\nORDER BY id\n",
        f"{INTEGRATION}/test_holds.py::TestDeadlines::test_time_limit_counts_the_wait_for_the_wallet",
    ),
    Fault(
        "wallet-without-its-check",
        "migrations/versions/0003_billing.py",
        '        sa.CheckConstraint("posted - held >= 0", name="ck_accounts_nothing_overspent"),\n',
        "",
        f"{INTEGRATION}/test_constraints.py::test_constraint_refuses_an_overspent_wallet",
    ),
    Fault(
        "hold-of-a-refused-job-kept",
        "ml-service/src/ml_service/jobs/settlement.py",
        "        await asyncio.shield(release_held(billing, job))\n        raise\n",
        "        raise\n",
        "tests/integration/ml/test_waiting_without_connections.py::test_refused_insertion_releases_the_hold",
    ),
]
