"""Errors of billing-service. Other services relay them unchanged, so users read these sentences."""

from kit.errors import ServiceError


class NotEnoughTokens(ServiceError):
    status = 402
    code = "not_enough_tokens"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(
            f"This costs {_tokens(required)} and you have {available:,} available;"
            " buy tokens or ask your administrator for a grant.",
            required=required,
            available=available,
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
