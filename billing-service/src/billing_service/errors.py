"""Errors of billing-service. Other services relay them unchanged, so users read these sentences."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from kit.errors import ServiceError


class ReachedLimit(TypedDict):
    """The limit that a refusal names."""

    scope: str
    amount: int
    used: int
    resets_at: str | None


BUY_TOKENS = "buy tokens or ask your administrator for a grant"
ASK_THE_OWNER = "ask the owner of the group for tokens, or pay with your own wallet"


class NotEnoughTokens(ServiceError):
    status = 402
    code = "not_enough_tokens"

    def __init__(self, required: int, available: int, payers: Sequence[Mapping[str, object]] = ()) -> None:
        is_own = all(payer["kind"] == "own" for payer in payers)
        advice = BUY_TOKENS if is_own else ASK_THE_OWNER
        super().__init__(
            f"This costs {_tokens(required)} and you have {available:,} available; {advice}.",
            required=required,
            available=available,
            payers=list(payers),
            limit=None,
        )


class SpendingLimitReached(ServiceError):
    status = 402
    code = "spending_limit_reached"

    def __init__(self, required: int, limit: ReachedLimit, payers: Sequence[Mapping[str, object]]) -> None:
        amount, used = limit["amount"], limit["used"]
        left = max(amount - used, 0)
        super().__init__(
            f"This costs {_tokens(required)} and the group's limit leaves {left:,} of {amount:,};"
            " wait for the next period, or ask the owner of the group to change the limit.",
            required=required,
            available=left,
            payers=list(payers),
            limit=dict(limit),
        )


class TokenCapReached(ServiceError):
    status = 402
    code = "token_cap_reached"

    def __init__(self, required: int, left: int) -> None:
        super().__init__(
            f"This costs {_tokens(required)} and this API key may spend {left:,} more;"
            " use an API key with a higher token cap.",
            required=required,
            available=left,
        )


class CardDeclined(ServiceError):
    status = 402
    code = "card_declined"

    def __init__(self) -> None:
        super().__init__("The card was declined and nothing was charged; use another card.")


class WalletNotFound(ServiceError):
    status = 404
    code = "wallet_not_found"

    def __init__(self) -> None:
        super().__init__("This account has no wallet; a new account gets one within seconds, so try again.")


class HoldNotFound(ServiceError):
    status = 404
    code = "hold_not_found"

    def __init__(self) -> None:
        super().__init__("There is no hold with this key; place a hold first.")


class ReceiptNotFound(ServiceError):
    status = 404
    code = "receipt_not_found"

    def __init__(self) -> None:
        super().__init__("You have no receipt with this id; check it in your ledger.")


class AccountNotFound(ServiceError):
    status = 404
    code = "account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such account, or it is not yours; check the name or id.")


class QuoteNotFound(ServiceError):
    status = 404
    code = "quote_not_found"

    def __init__(self) -> None:
        super().__init__("You have no quote with this id for this action; request a new quote.")


class QuoteExpired(ServiceError):
    status = 409
    code = "quote_expired"

    def __init__(self) -> None:
        super().__init__("This quote has expired and nothing was charged; request a new quote.")


class ChargeRefunded(ServiceError):
    status = 409
    code = "charge_refunded"

    def __init__(self) -> None:
        super().__init__("This charge was refunded; send the request again with a new Idempotency-Key.")


class HoldEnded(ServiceError):
    status = 409
    code = "hold_ended"

    def __init__(self, state: str) -> None:
        super().__init__(f"This hold has already been {state}; place a new hold.", state=state)


class SettleAboveHold(ServiceError):
    status = 422
    code = "settle_above_hold"

    def __init__(self, held: int) -> None:
        super().__init__(f"This hold is for {_tokens(held)}; settle at most this amount.")


class GroupNotFound(ServiceError):
    status = 404
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("You are in no group with this id; check it in the list of your groups.")


class GroupArchived(ServiceError):
    status = 409
    code = "group_archived"

    def __init__(self) -> None:
        super().__init__("The group is archived; its owner can make it active again.")


class RuleNotFound(ServiceError):
    status = 404
    code = "allowance_rule_not_found"

    def __init__(self) -> None:
        super().__init__("The group has no allowance rule with this id; check it in the list of its rules.")


class LimitNotFound(ServiceError):
    status = 404
    code = "limit_not_found"

    def __init__(self) -> None:
        super().__init__("The group has no limit with this id; check it in the list of its limits.")


class TooManyRules(ServiceError):
    status = 409
    code = "too_many_rules"

    def __init__(self, most: int) -> None:
        super().__init__(f"The group has {most} of these already; stop or delete one first.")


class PurchasesOff(ServiceError):
    status = 403
    code = "purchases_off"

    def __init__(self) -> None:
        super().__init__(
            "Purchases are switched off on this installation; an administrator can grant tokens instead."
        )


class AccountMismatch(ServiceError):
    status = 400
    code = "account_mismatch"

    def __init__(self) -> None:
        super().__init__("The e-mail and the user id belong to different accounts; correct one of them.")


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count:,} tokens"
