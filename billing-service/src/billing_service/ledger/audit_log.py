"""What the log says of each movement, in the words of the caller's request."""

import structlog
from prometheus_client import Counter

from billing_service.errors import NotEnoughTokens
from billing_service.ledger import commands as ask

TOKENS = Counter("farebox_tokens_total", "Tokens moved", ["movement"])

log = structlog.stdlib.get_logger()


def log_outcome(movement: ask.Movement, outcome: ask.Outcome) -> None:
    """A replay moved nothing, so it says nothing."""
    match movement, outcome:
        case ask.PlaceHold(), ask.Held(replayed=False):
            TOKENS.labels("held").inc(outcome.tokens)
            log.info("tokens_held", **_order(movement), tokens=outcome.tokens)
        case ask.PlaceHold(), NotEnoughTokens():
            log.warning("not_enough_tokens", **_order(movement), **outcome.members)
        case ask.Settle(), ask.Settled(replayed=False):
            TOKENS.labels("settled").inc(outcome.tokens)
            log.info("tokens_settled", hold=movement.hold, **_work(outcome), receipt=str(outcome.receipt_id))
        case ask.Release() | ask.Expire(), ask.Released(replayed=False):
            expired = isinstance(movement, ask.Expire)
            TOKENS.labels("expired" if expired else "released").inc(outcome.tokens)
            log.info("tokens_released", hold=movement.hold, **_work(outcome), expired=expired)
        case ask.Buy(), ask.Credited(replayed=False):
            TOKENS.labels("purchased").inc(outcome.tokens)
            log.info("tokens_purchased", user=movement.user_id, tokens=outcome.tokens)
        case ask.Grant(), ask.Credited(replayed=False):
            TOKENS.labels("granted").inc(outcome.tokens)
            log.info("tokens_granted", user=movement.user_id, tokens=outcome.tokens, by=movement.granted_by)
        case ask.OpenWallet(), ask.Credited(replayed=False):
            TOKENS.labels("granted").inc(outcome.tokens)
            log.info("tokens_granted", user=movement.user_id, tokens=outcome.tokens)
        case _:
            return


def _order(order: ask.PlaceHold) -> dict[str, object]:
    return {"user": order.user_id, "hold": order.key, "action": order.action, "model": order.resource}


def _work(outcome: ask.Settled | ask.Released) -> dict[str, object]:
    work = outcome.work
    return {
        "user": work.user_id,
        "action": work.action,
        "model": work.resource,
        "tokens": outcome.tokens,
    }
