"""Settings of billing-service, from environment variables."""

from typing import Annotated, Literal

from pydantic import Field

from kit.settings import DatabaseSettings

Tokens = Annotated[int, Field(ge=0, le=1_000_000)]
PurchaseMode = Literal["simulated", "off"]


class Settings(DatabaseSettings):
    """Environment variables; prices apply to the first start only, afterwards administrators change them."""

    db_user: str = "billing_service"
    # Credited once for each account name, even if the account is deleted and registered again.
    opening_grant: Tokens = 15
    price_train: Tokens = 1
    price_predict: Tokens = 5
    # For each block of `price_batch_rows` rows.
    price_batch: Tokens = 5
    price_batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    price_metadata: Tokens = 0
    # For each submission to a challenge.
    price_score: Tokens = 1
    quote_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    # `simulated` adds tokens and charges no card, for courses and trials; no other card provider exists yet.
    purchases: PurchaseMode = "simulated"
    # Interval at which overdue holds are released.
    sweep_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    # Interval at which allowances are issued and returned.
    schedule_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    shortest_allowance_seconds: Annotated[int, Field(ge=1)] = 86_400
