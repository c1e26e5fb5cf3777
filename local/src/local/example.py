"""Example account for the dashboard: a user with datasets, models and a few predictions."""

import secrets
from collections.abc import Callable

from farebox import Farebox, FareboxError, MemoryTokenStore
from farebox.errors import NameTaken
from local.errors import DemoFailed
from local.settings import PROJECT

NAME = "pat@example.org"
CARD = "1234-5678-9999-0000"
TOKENS = 100
TRAININGS = (
    ("penguins.csv", "species", "random_forest"),
    ("penguins.csv", "species", "logistic"),
    ("diabetes.csv", "target", "linear"),
)

Report = Callable[[str], None]


def populate(address: str, report: Report) -> str | None:
    """Create the example account; returns its random password, or None if the account existed.

    The home is a real one, whose other users must not know a login.
    """
    password = secrets.token_urlsafe(12)
    with Farebox(address, store=MemoryTokenStore()) as client:
        try:
            client.sign_up(NAME, password)
            _train_and_predict(client, report)
        except NameTaken:
            return None
        except FareboxError as error:
            raise DemoFailed(f"The example could not be created: {error.detail}") from None
    return password


def _train_and_predict(client: Farebox, report: Report) -> None:
    client.wallet.buy(TOKENS, credit_card=CARD)
    for table, label, model_type in TRAININGS:
        report(f"Training {model_type} on {table}")
        dataset = client.datasets.upload(PROJECT / "data" / table)
        name = f"{dataset.name.removesuffix('.csv')}-{model_type}"
        model = client.models.train(dataset, label, type=model_type, name=name)
        client.predictions.one(model.name, client.models.schema(model.name).example["features"])
