"""Carrying out a comparison: the contest of the candidates, then the best of them as an ordinary model."""

import structlog

from ml_service.base import Json
from ml_service.billing.pricing import prorate
from ml_service.jobs.repository import JobRepository
from ml_service.learning.comparison import AUTO
from ml_service.learning.comparison.candidates import FOLDS, ComparisonSpec
from ml_service.learning.comparison.leaderboard import Entry, count_finished, leaderboard, ranked
from ml_service.learning.tasks import TableFile
from ml_service.work.contest import EVENT, PERCENT_AFTER, Contest
from ml_service.work.rules import PERCENT_AT, GiveUp
from ml_service.work.run import Outcome, Run
from ml_service.work.trainings import DATASET_GONE, find_table, train

log = structlog.stdlib.get_logger()


async def carry_out_comparison(run: Run) -> Outcome:
    table = await find_table(run)
    if table is None:
        return DATASET_GONE
    log.info("training_started", model=run.job.model_name, action="train", attempt=run.job.attempts)
    spec = ComparisonSpec.from_json(run.job.spec)
    contest = Contest(run, spec, table)
    async with run.parts.database.read() as session:
        for event in await JobRepository(session).events_after(run.job.id, 0):
            if event.kind == EVENT:
                contest.recall(event.data)
    await contest.hold()
    return await _keep_best(run, spec, contest.entries, table)


async def _keep_best(run: Run, spec: ComparisonSpec, entries: list[Entry], table: TableFile) -> Outcome:
    """One that finished in parts may still fail on the whole; then the next best is kept."""
    for place in ranked(entries):
        wanted = spec.training(spec.candidates[place]).to_json()
        outcome = await train(
            run, f"{run.name}-{place}", table, wanted, lambda stage, _percent: _tell_stage(run, stage)
        )
        if isinstance(outcome, GiveUp):
            entries[place] = entries[place].failed(outcome.code, outcome.detail)
            continue
        return _describe(run, entries, place, outcome) if isinstance(outcome, dict) else outcome
    return _why_none(spec, entries)


def _describe(run: Run, entries: list[Entry], place: int, trained: Json) -> Json:
    board = leaderboard(entries)
    board[0]["chosen"] = True
    chosen = {"type": entries[place].type, "params": dict(entries[place].params)}
    selection = {"type": AUTO, "metric": entries[place].metric, "folds": FOLDS, "chosen": chosen}
    return {
        **trained,
        "description": {**trained["description"], "leaderboard": board, "selection": selection},
        "tokens": prorate(run.job.tokens_held, run.job.units, count_finished(entries)),
    }


def _why_none(spec: ComparisonSpec, entries: list[Entry]) -> GiveUp:
    """The first failure's reason, as it is likely everyone's."""
    for entry in entries:
        if entry.error is not None:
            return GiveUp(entry.error["code"], entry.error["detail"])
    return GiveUp(
        "budget_over",
        f"No candidate had finished after the budget's {spec.seconds} seconds; allow more or use fewer rows.",
    )


def _tell_stage(run: Run, stage: str) -> None:
    run.notes.stage(stage, PERCENT_AFTER + PERCENT_AT.get(stage, 0) * (100 - PERCENT_AFTER) // 100)
