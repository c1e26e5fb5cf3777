"""Fields of log lines belong to one request, and those of an event count first."""

import asyncio

from kit.log_fields import bind_fields, bound_fields, current_fields, merge_fields, set_fields


def test_fields_are_added_to_an_event_whose_own_count_first() -> None:
    with bound_fields(request_id="r-1", user=7):
        event = merge_fields(None, "info", {"event": "tokens_charged", "request_id": "r-2"})
    assert event == {"event": "tokens_charged", "request_id": "r-2", "user": 7}


def test_bound_fields_end_with_their_block() -> None:
    before = current_fields()
    with bound_fields(request_id="r-1"):
        bind_fields(user=7)
        assert current_fields() == {**before, "request_id": "r-1", "user": 7}
    assert current_fields() == before


async def test_fields_of_a_task_do_not_reach_others() -> None:
    async def serve(request_id: str, user: int) -> dict[str, object]:
        set_fields({"request_id": request_id})
        await asyncio.sleep(0)
        bind_fields(user=user)
        await asyncio.sleep(0)
        return dict(current_fields())

    served = await asyncio.gather(serve("r-1", 1), serve("r-2", 2))
    assert served == [{"request_id": "r-1", "user": 1}, {"request_id": "r-2", "user": 2}]
    assert "user" not in current_fields()
