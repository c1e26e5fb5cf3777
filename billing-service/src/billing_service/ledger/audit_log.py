"""Audit log of the ledger: a log event and a metric for each command that moved or held tokens."""

import structlog
from prometheus_client import Counter

from billing_service.errors import NotEnoughTokens
from billing_service.ledger.commands import (
    BuyTokens,
    Charged,
    ChargeTokens,
    Command,
    Credited,
    ExpireHold,
    GrantTokens,
    Held,
    Issued,
    OpenWallet,
    Operation,
    Outcome,
    PlaceHold,
    PricedOperation,
    RefundCharge,
    Refunded,
    RefundHold,
    Released,
    ReleaseHold,
    Returned,
    Settled,
    SettleHold,
    Work,
)
from billing_service.ledger.group_commands import (
    ClosePool,
    ExpireAllowance,
    GrantToPool,
    GroupCommand,
    IssueAllowances,
    ReturnAllowances,
)

FUND_COMMANDS = (GrantToPool, IssueAllowances, ExpireAllowance, ReturnAllowances, ClosePool)
TOKENS = Counter("farebox_tokens_total", "Tokens moved", ["movement"])
CHARGED = TOKENS.labels("charged")

log = structlog.stdlib.get_logger()


def log_outcome(command: Command, outcome: Outcome) -> None:
    """Log one outcome; replays are not logged, because they move nothing."""
    if isinstance(command, FUND_COMMANDS):
        _log_fund_outcome(command, outcome)
        return
    match command, outcome:
        case ChargeTokens(), Charged(replayed=False):
            CHARGED.inc(outcome.tokens)
            log.info(
                "tokens_charged",
                **_priced_fields(command),
                tokens=outcome.tokens,
                receipt=outcome.receipt_id,
            )
        case RefundCharge() | RefundHold(), Refunded(replayed=False):
            TOKENS.labels("refunded").inc(outcome.tokens)
            log.info("tokens_refunded", **_request(command), **_refund_fields(command, outcome))
        case PlaceHold(), Held(replayed=False):
            TOKENS.labels("held").inc(outcome.tokens)
            log.info("tokens_held", hold=command.key, **_priced_fields(command), tokens=outcome.tokens)
        case PlaceHold() | ChargeTokens(), NotEnoughTokens():
            kind = "hold" if isinstance(command, PlaceHold) else "charge"
            log.warning(
                "not_enough_tokens",
                **{kind: command.key},
                **_priced_fields(command),
                required=outcome.members["required"],
                available=outcome.members["available"],
            )
        case SettleHold(), Settled(replayed=False):
            TOKENS.labels("settled").inc(outcome.tokens)
            fields = _work_fields(outcome.work, outcome.tokens)
            log.info(
                "tokens_settled",
                **_request(command),
                hold=command.hold,
                **fields,
                receipt=outcome.receipt_id,
            )
        case ReleaseHold() | RefundHold() | ExpireHold(), Released(replayed=False):
            expired = isinstance(command, ExpireHold)
            TOKENS.labels("expired" if expired else "released").inc(outcome.tokens)
            fields = _work_fields(outcome.work, outcome.tokens)
            log.info("tokens_released", **_request(command), hold=command.hold, **fields, expired=expired)
        case BuyTokens(), Credited(replayed=False):
            TOKENS.labels("purchased").inc(outcome.tokens)
            log.info("tokens_purchased", user=command.user_id, tokens=outcome.tokens, **_group(command))
        case GrantTokens(), Credited(replayed=False):
            TOKENS.labels("granted").inc(outcome.tokens)
            log.info("tokens_granted", user=command.user_id, tokens=outcome.tokens, by=command.granted_by)
        case OpenWallet(), Credited(replayed=False):
            TOKENS.labels("granted").inc(outcome.tokens)
            log.info("tokens_granted", user=command.user_id, tokens=outcome.tokens)
        case _:
            return


def _request(command: Command | PricedOperation) -> dict[str, object]:
    """The request behind an operation, whose call may carry operations of other requests, too."""
    if isinstance(command, Operation) and command.request_id is not None:
        return {"request_id": command.request_id}
    return {}


def _log_fund_outcome(command: GrantToPool | GroupCommand, outcome: Outcome) -> None:
    match outcome:
        case Credited(replayed=False) if isinstance(command, GrantToPool):
            TOKENS.labels("granted").inc(outcome.tokens)
            log.info("tokens_granted", group=command.group_id, tokens=outcome.tokens, by=command.granted_by)
        case Issued() if isinstance(command, IssueAllowances):
            _log_issue(command, outcome)
        case Returned() if outcome.tokens > 0:
            TOKENS.labels("returned").inc(outcome.tokens)
            movement = type(command).__name__
            log.info("tokens_returned", group=command.group_id, tokens=outcome.tokens, movement=movement)
        case _:
            return


def _log_issue(command: IssueAllowances, outcome: Issued) -> None:
    fields = {"group": command.group_id, "rule": command.rule_id, "period": command.period}
    if outcome.needed > 0:
        log.warning("pool_short", **fields, needed=outcome.needed)
    elif outcome.allowances > 0:
        TOKENS.labels("issued").inc(outcome.tokens)
        log.info("allowances_issued", **fields, allowances=outcome.allowances, tokens=outcome.tokens)


def _group(command: PricedOperation | BuyTokens) -> dict[str, object]:
    return {} if command.group_id is None else {"group": command.group_id}


def _priced_fields(command: PricedOperation) -> dict[str, object]:
    return {
        **_request(command),
        **_group(command),
        "user": command.user_id,
        "action": command.action,
        "model": command.resource,
    }


def _refund_fields(command: RefundCharge | RefundHold, outcome: Refunded) -> dict[str, object]:
    paid = {"charge": command.charge} if isinstance(command, RefundCharge) else {"hold": command.hold}
    work = _work_fields(outcome.work, outcome.tokens) if outcome.work is not None else {"tokens": 0}
    return {**paid, "user": command.user_id, **work}


def _work_fields(work: Work, tokens: int) -> dict[str, object]:
    return {"user": work.user_id, "action": work.action, "model": work.resource, "tokens": tokens}
