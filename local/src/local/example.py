"""Example account for the dashboard: a user with datasets, models and a few predictions."""

from collections.abc import Callable

from farebox import Farebox, FareboxError, MemoryTokenStore
from farebox.errors import NameTaken
from local.errors import DemoFailed
from local.settings import PROJECT

NAME, PASSWORD = "pat@example.org", "three-blue-buses"
CARD = "1234-5678-9999-0000"
TOKENS = 100
TRAININGS = (
    ("penguins.csv", "species", "random_forest"),
    ("penguins.csv", "species", "logistic"),
    ("diabetes.csv", "target", "linear"),
)

Report = Callable[[str], None]


def populate(address: str, report: Report) -> None:
    """Create the example account; an existing one is left unchanged."""
    with Farebox(address, store=MemoryTokenStore()) as client:
        try:
            if _sign_up(client):
                _train_and_predict(client, report)
        except FareboxError as error:
            raise DemoFailed(f"The example could not be created: {error.detail}") from None


def _sign_up(client: Farebox) -> bool:
    try:
        client.sign_up(NAME, PASSWORD)
    except NameTaken:
        return False
    return True


def _train_and_predict(client: Farebox, report: Report) -> None:
    client.wallet.buy(TOKENS, credit_card=CARD)
    for table, label, model_type in TRAININGS:
        report(f"Training {model_type} on {table}")
        dataset = client.datasets.upload(PROJECT / "data" / table)
        name = f"{dataset.name.removesuffix('.csv')}-{model_type}"
        model = client.models.train(dataset, label, type=model_type, name=name)
        client.predictions.one(model.name, client.models.schema(model.name).example["features"])
