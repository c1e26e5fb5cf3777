"""A small example to look at in the pages: somebody with tables, models and some predictions."""

from collections.abc import Callable

from farebox import Farebox, FareboxError, MemoryTokenStore
from farebox.errors import NameTaken
from local.failures import DemoFailed
from local.settings import PROJECT

NAME, PASSWORD = "pat@example.org", "three-blue-buses"
CARD = "1234-5678-9999-0000"
TOKENS = 100
TRAININGS = (
    ("penguins.csv", "species", "random_forest"),
    ("penguins.csv", "species", "logistic"),
    ("diabetes.csv", "target", "linear"),
)

Say = Callable[[str], None]


def populate(address: str, say: Say) -> None:
    """Make the example; one that is there already is left as it is."""
    with Farebox(address, store=MemoryTokenStore()) as client:
        try:
            if _arrive(client):
                _work(client, say)
        except FareboxError as error:
            raise DemoFailed(f"The example could not be made: {error.detail}") from None


def _arrive(client: Farebox) -> bool:
    try:
        client.sign_up(NAME, PASSWORD)
    except NameTaken:
        return False
    return True


def _work(client: Farebox, say: Say) -> None:
    client.wallet.buy(TOKENS, credit_card=CARD)
    for table, label, kind in TRAININGS:
        say(f"Training {kind} on {table}")
        dataset = client.datasets.upload(PROJECT / "data" / table)
        name = f"{dataset.name.removesuffix('.csv')}-{kind}"
        model = client.models.train(dataset, label, type=kind, name=name)
        client.predictions.one(model.name, client.models.schema(model.name).example["features"])
