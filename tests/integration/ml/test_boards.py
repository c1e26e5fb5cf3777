"""Leaderboards, results and the end of challenges."""

import csv
import hashlib
import io
import json
import statistics
import time

from tests.integration.ml.challenge import DAN, EVE, STRANGER, ClassRoom
from tests.integration.ml.events import GROUP, deliver, member
from tests.integration.ml.service import ADA, BOB, Json

SUBMISSIONS, MEMBERS = 30_000, 300


async def board(room: ClassRoom, challenge: Json, user: int = BOB, by: str = "score") -> Json:
    return await room.get(f"/v1/challenges/{challenge['id']}/leaderboard?by={by}", user)


async def test_public_board_shows_aliases_and_the_best_score(room: ClassRoom) -> None:
    challenge = await room.published()
    first = await room.scored(challenge)
    second = await room.scored(challenge, type="knn")
    await room.scored(challenge, EVE, type="knn", params={"n_neighbors": 40})
    await room.scored(challenge, ADA)
    shown = await board(room, challenge)
    assert (shown["board"], shown["revision"]) == ("public", 1)
    assert sorted(line["name"] for line in shown["items"]) == ["Falcon", "Heron"]
    own = next(line for line in shown["items"] if line["own"])
    assert (own["name"], own["submissions"], own["tokens"]) == ("Falcon", 2, 4)
    assert own["score"] == max(first["public_score"], second["public_score"])
    assert (own["public_rank"], own["interval"]) == (None, None)
    assert (
        await room.request("GET", f"/v1/challenges/{challenge['id']}/leaderboard", STRANGER)
    ).status_code == 404


async def test_final_board_has_private_scores_intervals_and_the_salt(room: ClassRoom) -> None:
    challenge = await room.published()
    await room.scored(challenge)
    await room.scored(challenge, EVE, type="knn")
    path = f"/v1/challenges/{challenge['id']}"
    early = await room.request("POST", f"{path}/finalise")
    assert (early.status_code, early.json()["code"]) == (409, "challenge_frozen")
    await room.close(challenge)
    assert (await board(room, challenge))["board"] == "frozen"
    for user, status in ((DAN, 403), (BOB, 403), (STRANGER, 404)):
        assert (await room.request("POST", f"{path}/finalise", user)).status_code == status
    final = (await room.request("POST", f"{path}/finalise")).json()
    digests = final["digests"]
    text = f"{final['salt']}:{digests['public']}:{digests['private']}"
    assert hashlib.sha256(text.encode()).hexdigest() == challenge["commitment"]
    shown = await board(room, challenge)
    assert (shown["board"], len(shown["items"])) == ("final", 2)
    for line in shown["items"]:
        assert line["interval"]["low"] <= line["score"] <= line["interval"]["high"]
        assert line["change"] == line["public_rank"] - line["rank"]
    submission = (await room.get(f"{path}/submissions", BOB))["items"][0]
    own = next(line for line in shown["items"] if line["own"])
    assert (submission["final_score"], submission["interval"]) == (own["score"], own["interval"])
    again = await room.request("POST", f"{path}/finalise")
    assert (again.status_code, again.json()["salt"]) == (200, final["salt"])


async def test_private_scores_are_shown_to_nobody_before_the_end(room: ClassRoom) -> None:
    challenge = await room.published()
    submission = await room.scored(challenge)
    private = await room.sql.fetchval("SELECT score FROM ml.private_scores")
    await room.sql.execute("UPDATE ml.private_scores SET score = 0.123456789")
    assert private is not None
    for closed in (False, True):
        if closed:
            await room.close(challenge)
        for user in (ADA, DAN, BOB, EVE):
            for path in (
                f"/v1/challenges/{challenge['id']}/leaderboard",
                f"/v1/challenges/{challenge['id']}/submissions",
                f"/v1/challenges/{challenge['id']}/results",
                f"/v1/submissions/{submission['id']}",
            ):
                assert "0.123456789" not in (await room.request("GET", path, user)).text


async def test_results_name_members_for_staff_alone(room: ClassRoom) -> None:
    challenge = await room.published(late="unranked")
    await room.scored(challenge)
    path = f"/v1/challenges/{challenge['id']}/results"
    assert [(await room.request("GET", path, user)).status_code for user in (BOB, STRANGER)] == [403, 404]
    answer = await room.request("GET", path, DAN)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["external_id"], row["name"], row["final_score"], row["tokens"]) == ("s-1", "Bob B.", "", "2")
    assert (row["rank"], row["late"], row["revision"]) == ("1", "false", "1")
    await room.close(challenge)
    await room.request("POST", f"/v1/challenges/{challenge['id']}/finalise")
    (row,) = csv.DictReader(io.StringIO((await room.request("GET", path)).text))
    assert 0 < float(row["final_score"]) <= 1


async def test_name_that_is_a_formula_is_harmless_in_a_spreadsheet(room: ClassRoom) -> None:
    challenge = await room.published()
    await room.scored(challenge)
    await room.sql.execute("UPDATE ml.members SET member_name = '=1+1', external_id = '@SUM(A1)'")
    answer = await room.request("GET", f"/v1/challenges/{challenge['id']}/results")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["name"], row["external_id"]) == ("'=1+1", "'@SUM(A1)")


async def test_board_by_efficiency(room: ClassRoom) -> None:
    challenge = await room.published()
    await room.scored(challenge)
    await room.train(challenge, type="knn")
    shown = await board(room, challenge, by="efficiency")
    (line,) = shown["items"]
    assert (line["rank"], line["tokens"]) == (1, 3)
    # A skill of at most 1 for 3 tokens.
    assert 0 < line["efficiency"] < 1 / 3
    await deliver(room.service, member(EVE, state="removed"))


async def test_board_without_billing_has_no_tokens(room: ClassRoom) -> None:
    challenge = await room.published()
    await room.scored(challenge)
    room.service.billing.unavailable = True
    assert [line["tokens"] for line in (await board(room, challenge))["items"]] == [None]
    path = f"/v1/challenges/{challenge['id']}/leaderboard?by=efficiency"
    assert (await room.request("GET", path, BOB)).status_code == 503


async def test_challenge_is_not_final_while_a_submission_is_scored(quiet: ClassRoom) -> None:
    challenge = await many_submissions(quiet, 2, 2)
    await quiet.sql.execute("UPDATE ml.submissions SET state = 'accepted' WHERE user_id = 1000")
    await quiet.close(challenge)
    path = f"/v1/challenges/{challenge['id']}/finalise"
    answer = await quiet.request("POST", path)
    assert (answer.status_code, answer.json()["code"]) == (409, "challenge_busy")
    await quiet.sql.execute("UPDATE ml.submissions SET state = 'scored'")
    assert (await quiet.request("POST", path)).status_code == 200


async def many_submissions(room: ClassRoom, submissions: int, members: int) -> Json:
    """A published challenge with scored submissions of many members, stored as by their jobs."""
    challenge = await room.draft()
    await room.sql.execute(
        "UPDATE ml.challenges SET published_at = now(), commitment = sha256('x'), salt = 'x' WHERE id = $1",
        challenge["id"],
    )
    await room.sql.execute(
        "INSERT INTO ml.members SELECT $1, 1000 + n, 'member', 'active', 'member-' || n, 's-' || n, 'M ' || n"
        " FROM generate_series(0, $2 - 1) n",
        *(GROUP, members),
    )
    await room.sql.execute(
        "INSERT INTO ml.challenge_parts SELECT $1, 1, p, p, sha256('x'), 100, 0.5"
        " FROM unnest(ARRAY['train', 'public', 'private']) p",
        challenge["id"],
    )
    await room.sql.execute(
        "INSERT INTO ml.submissions (challenge_id, user_id, artefact_sha256, size_bytes, state, day, late,"
        " accepted_at) SELECT $1, 1000 + n % $3, sha256(n::text::bytea), 1, 'scored', '2026-01-01', false,"
        " now() - n * interval '1 second' FROM generate_series(1, $2) n",
        *(challenge["id"], submissions, members),
    )
    for table, figures in (("public_scores", "0.01"), ("private_scores", "0.1, 0.9")):
        await room.sql.execute(
            f"INSERT INTO ml.{table} SELECT id, 1, random(), {figures}, $1, now() FROM ml.submissions",  # noqa: S608 - our own text
            json.dumps({}),
        )
    await room.sql.execute("ANALYZE ml.submissions, ml.public_scores, ml.private_scores, ml.members")
    return challenge


async def test_board_of_30000_submissions_is_quick(quiet: ClassRoom) -> None:
    challenge = await many_submissions(quiet, SUBMISSIONS, MEMBERS)
    times: list[float] = []
    for _ in range(100):
        started = time.perf_counter()
        shown = await board(quiet, challenge, ADA)
        times.append(time.perf_counter() - started)
    assert len(shown["items"]) == MEMBERS
    # The promise is a p95 of 200 ms; beside other tests only the median is meaningful.
    assert statistics.median(times) < 0.1
