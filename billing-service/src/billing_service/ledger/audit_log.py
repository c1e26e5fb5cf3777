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
    Settled,
    SettleHold,
    Work,
)

TOKENS = Counter("farebox_tokens_total", "Tokens moved", ["movement"])
CHARGED = TOKENS.labels("charged")

log = structlog.stdlib.get_logger()


def log_outcome(command: Command, outcome: Outcome) -> None:
    """Log one outcome; replays are not logged, because they move nothing."""
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
                "not_enough_tokens", **{kind: command.key}, **_priced_fields(command), **outcome.members
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
            log.info("tokens_purchased", user=command.user_id, tokens=outcome.tokens)
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


def _priced_fields(command: PricedOperation) -> dict[str, object]:
    return {
        **_request(command),
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
