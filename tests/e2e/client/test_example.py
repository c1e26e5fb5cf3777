"""The example account of `make demo-ui`."""

from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore
from local import example


def test_example_has_models_and_is_created_once(stack: Stack) -> None:
    messages: list[str] = []
    password = example.populate(stack.url, messages.append)
    assert password is not None
    assert example.populate(stack.url, messages.append) is None

    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(example.NAME, password)
        models = list(client.models.list())
        spent = {usage.group for usage in client.wallet.usage("action")}
    assert len(models) == len(messages) == len(example.TRAININGS)
    assert {model.task for model in models} == {"classification", "regression"}
    assert spent == {"train", "predict"}
