"""Submissions after they are scored: who sees, voids and selects them."""

from tests.integration.ml.challenge import DAN, EVE, STRANGER, ClassRoom
from tests.integration.ml.service import ADA, BOB
from tests.integration.ml.test_submissions import slots


async def test_submissions_are_seen_by_their_member_and_staff(room: ClassRoom) -> None:
    challenge = await room.published()
    submission = await room.scored(challenge)
    path = f"/v1/submissions/{submission['id']}"
    for user, status in ((BOB, 200), (ADA, 200), (DAN, 200), (EVE, 404), (STRANGER, 404)):
        assert (await room.request("GET", path, user)).status_code == status
    listed = f"/v1/challenges/{challenge['id']}/submissions"
    assert [len((await room.get(listed, user))["items"]) for user in (BOB, ADA, DAN, EVE)] == [1, 1, 1, 0]
    for user, status in ((BOB, 403), (EVE, 404), (STRANGER, 404)):
        assert (await room.request("POST", f"{path}/void", user, reason="x")).status_code == status


async def test_staff_void_a_submission_with_a_reason(room: ClassRoom) -> None:
    challenge = await room.published()
    submission = await room.scored(challenge)
    answer = await room.request(
        "POST", f"/v1/submissions/{submission['id']}/void", DAN, reason="Two accounts"
    )
    assert answer.status_code == 200
    void = await room.get(f"/v1/submissions/{submission['id']}", BOB)
    assert (void["state"], void["void_reason"], void["public_score"]) == ("void", "Two accounts", None)
    assert await slots(room) == {"total": 1, "day": 1}
    again = await room.submit(challenge, submission["model"])
    assert (again.json()["id"], again.json()["state"]) == (submission["id"], "void")


async def test_two_submissions_are_selected_until_the_end(room: ClassRoom) -> None:
    challenge = await room.published()
    first = await room.scored(challenge)
    second = await room.scored(challenge, type="knn")
    foreign = await room.scored(challenge, EVE)
    path = f"/v1/challenges/{challenge['id']}/selection"
    chosen = await room.request("PUT", path, BOB, submissions=[first["id"], second["id"]])
    assert [each["selected"] for each in chosen.json()["items"]] == [True, True]
    one = await room.request("PUT", path, BOB, submissions=[second["id"]])
    assert [each["id"] for each in one.json()["items"]] == [second["id"]]
    assert not (await room.get(f"/v1/submissions/{first['id']}", BOB))["selected"]
    for ids, status in (([foreign["id"]], 404), ([first["id"], second["id"], 9], 422), ([2**40], 404)):
        assert (await room.request("PUT", path, BOB, submissions=ids)).status_code == status
    await room.close(challenge)
    late = await room.request("PUT", path, BOB, submissions=[first["id"]])
    assert (late.status_code, late.json()["code"]) == (409, "challenge_frozen")
