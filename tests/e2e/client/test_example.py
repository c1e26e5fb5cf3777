"""The example that `make demo-ui` shows."""

from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore
from local import example


def test_example_has_models_and_is_created_once(stack: Stack) -> None:
    messages: list[str] = []
    example.populate(stack.url, messages.append)
    example.populate(stack.url, messages.append)

    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(example.NAME, example.PASSWORD)
        models = list(client.models.list())
        spent = {each.group for each in client.wallet.usage("action")}
    assert len(models) == len(messages) == len(example.TRAININGS)
    assert {each.task for each in models} == {"classification", "regression"}
    assert spent == {"train", "predict"}
