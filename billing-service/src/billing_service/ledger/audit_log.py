"""Audit log of the ledger: a log event and a metric for each command that moved or held tokens."""

import structlog
from prometheus_client import Counter

from billing_service.errors import NotEnoughTokens
from billing_service.ledger.commands import (
    BuyTokens,
    Command,
    Credited,
    ExpireHold,
    GrantTokens,
    Held,
    OpenWallet,
    Outcome,
    PlaceHold,
    Released,
    ReleaseHold,
    Settled,
    SettleHold,
)

TOKENS = Counter("farebox_tokens_total", "Tokens moved", ["movement"])

log = structlog.stdlib.get_logger()


def log_outcome(command: Command, outcome: Outcome) -> None:
    """Log one outcome; replays are not logged, because they move nothing."""
    match command, outcome:
        case PlaceHold(), Held(replayed=False):
            TOKENS.labels("held").inc(outcome.tokens)
            log.info("tokens_held", **_hold_fields(command), tokens=outcome.tokens)
        case PlaceHold(), NotEnoughTokens():
            log.warning("not_enough_tokens", **_hold_fields(command), **outcome.members)
        case SettleHold(), Settled(replayed=False):
            TOKENS.labels("settled").inc(outcome.tokens)
            log.info(
                "tokens_settled", hold=command.hold, **_work_fields(outcome), receipt=str(outcome.receipt_id)
            )
        case ReleaseHold() | ExpireHold(), Released(replayed=False):
            expired = isinstance(command, ExpireHold)
            TOKENS.labels("expired" if expired else "released").inc(outcome.tokens)
            log.info("tokens_released", hold=command.hold, **_work_fields(outcome), expired=expired)
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


def _hold_fields(command: PlaceHold) -> dict[str, object]:
    return {"user": command.user_id, "hold": command.key, "action": command.action, "model": command.resource}


def _work_fields(outcome: Settled | Released) -> dict[str, object]:
    work = outcome.work
    return {
        "user": work.user_id,
        "action": work.action,
        "model": work.resource,
        "tokens": outcome.tokens,
    }
