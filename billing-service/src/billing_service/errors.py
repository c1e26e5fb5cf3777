"""Everything that billing-service refuses, and how it says so."""

from kit.errors import ServiceError


class NotEnoughTokens(ServiceError):
    status = 402
    code = "not_enough_tokens"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(
            f"This costs {required} tokens and {available} are available; buy tokens or ask for a grant.",
            required=required,
            available=available,
        )


class TokenCapReached(ServiceError):
    status = 402
    code = "token_cap_reached"

    def __init__(self, required: int, left: int) -> None:
        super().__init__(
            f"This costs {required} tokens and {left} are left under the API key's cap; use another key.",
            required=required,
            available=left,
        )


class CardDeclined(ServiceError):
    status = 402
    code = "card_declined"

    def __init__(self) -> None:
        super().__init__("The card was declined and nothing was charged; use another card and a new key.")


class WalletNotFound(ServiceError):
    status = 404
    code = "wallet_not_found"

    def __init__(self) -> None:
        super().__init__("There is no open wallet for this user; a new user's wallet opens within seconds.")


class HoldNotFound(ServiceError):
    status = 404
    code = "hold_not_found"

    def __init__(self) -> None:
        super().__init__("There is no hold with this key; place one first.")


class ReceiptNotFound(ServiceError):
    status = 404
    code = "receipt_not_found"

    def __init__(self) -> None:
        super().__init__("You have no receipt with this id; GET /v1/me/ledger lists the ids of yours.")


class AccountNotFound(ServiceError):
    status = 404
    code = "account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no account of this name that you may see; check its spelling.")


class QuoteNotFound(ServiceError):
    status = 404
    code = "quote_not_found"

    def __init__(self) -> None:
        super().__init__("You have no quote with this id for this action; ask for one at POST /v1/quotes.")


class QuoteExpired(ServiceError):
    status = 409
    code = "quote_expired"

    def __init__(self) -> None:
        super().__init__("This quote is no longer valid; ask for a new one at POST /v1/quotes.")


class HoldEnded(ServiceError):
    status = 409
    code = "hold_ended"

    def __init__(self, state: str) -> None:
        super().__init__(f"This hold was already {state}; place a new one.")


class SettleAboveHold(ServiceError):
    status = 422
    code = "settle_above_hold"

    def __init__(self, held: int) -> None:
        super().__init__(f"At most the {held} tokens that were held can be settled.")


class AccountMismatch(ServiceError):
    status = 400
    code = "account_mismatch"

    def __init__(self) -> None:
        super().__init__("The e-mail and the user id belong to different accounts; correct one of them.")
