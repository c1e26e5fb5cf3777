"""The wallet, its ledger, and prices."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from farebox.calls import Call, Page, Parameter, idempotency_header, json_as, list_call, text, url_path
from farebox.operations import Resource, S, listing, operation
from farebox.results.wallet import Price, Purchase, Purchasing, Quote, Receipt, Transfer, Usage, Wallet

GroupBy = Literal["day", "action", "model"]
Action = Literal["train", "predict", "batch", "metadata", "score"]


class WalletOperations(Resource[S]):
    """The account's tokens."""

    @operation
    def balance(self) -> Call[Wallet]:
        """The wallet's tokens: in total, held and available."""
        return Call("GET", "/v1/me/wallet", json_as(Wallet))

    @listing
    def ledger(self) -> Call[Page[Transfer]]:
        """Every movement of tokens, newest first."""
        return list_call("/v1/me/ledger", Transfer)

    @operation
    def ledger_csv(self) -> Call[str]:
        """Every movement of tokens as CSV."""
        return Call("GET", "/v1/me/ledger", text, headers={"Accept": "text/csv"})

    @listing
    def usage(
        self, group_by: GroupBy = "day", *, since: datetime | None = None, until: datetime | None = None
    ) -> Call[Page[Usage]]:
        """Tokens spent by day, newest first, or by action or model, largest first."""
        return list_call("/v1/me/usage", Usage, usage_params(group_by, since, until))

    @operation
    def buy(self, amount: int, *, credit_card: str, idempotency_key: str | None = None) -> Call[Purchase]:
        """Buy tokens with a card; only its brand and last four digits are stored."""
        return Call(
            "POST",
            "/v1/purchases",
            json_as(Purchase),
            json={"amount": amount, "credit_card": credit_card},
            headers=idempotency_header(idempotency_key),
        )

    @operation
    def receipt(self, receipt_id: str) -> Call[Receipt]:
        """The receipt of a movement of tokens."""
        return Call("GET", url_path("receipts", receipt_id), json_as(Receipt))


class Prices(Resource[S]):
    """Prices, and quotes that are honoured until they expire."""

    @listing
    def list(self) -> Call[Page[Price]]:
        """The prices in force; public."""
        return list_call("/v1/prices", Price, authorized=False)

    @operation
    def purchasing(self) -> Call[Purchasing]:
        """Whether tokens can be bought; public."""
        return Call("GET", "/v1/prices", json_as(Purchasing), authorized=False)

    @operation
    def quote(self, action: Action, units: int = 1) -> Call[Quote]:
        """The cost of an action for this many units; pass the quote's id to pay that price."""
        return Call(
            "POST",
            "/v1/quotes",
            json_as(Quote),
            json={"action": action, "units": units},
            headers=idempotency_header(),
        )

    @operation
    def change(self, action: Action, tokens: int, per_units: int = 1) -> Call[Price]:
        """Set a price, effective immediately. For administrators."""
        price = {"tokens": tokens, "per_units": per_units}
        return Call("PUT", f"/v1/prices/{action}", json_as(Price), json=price)


def usage_params(group_by: str, since: datetime | None, until: datetime | None) -> Mapping[str, Parameter]:
    return {
        "group_by": group_by,
        "from": since.isoformat() if since else None,
        "to": until.isoformat() if until else None,
    }
