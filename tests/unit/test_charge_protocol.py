"""The charge protocol in simulation: the services' own code, and 10,000 runs of faults from seeds.

`python -m tests.support.simulation SEED` replays one, with its trace.
"""

import pytest
from tests.support.simulation.charges import simulate

SEEDS = 10_000
CHUNK = 500


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_answered_requests_are_charged_once_and_others_never(first: int) -> None:
    broken = {seed: found for seed in range(first, first + CHUNK) if (found := simulate(seed)[0])}
    assert not broken, "replay: python -m tests.support.simulation SEED"


@pytest.mark.parametrize("seed", range(20))
def test_replay_of_a_seed_is_the_same_run(seed: int) -> None:
    first, second = simulate(seed)[1], simulate(seed)[1]
    assert [moment for moment, _ in first.trace] == [moment for moment, _ in second.trace]


def test_runs_meet_every_outcome_of_an_attempt() -> None:
    """Without faults that are met the runs would prove nothing."""
    traces = "\n".join(simulate(seed)[1].show() for seed in range(60))
    for event in (
        *("killed", "stands still", "billing crashed", "clock jumps", "given up"),
        *("request lost", "answer lost", "slow answer", "unavailable", "reset", "refused"),
        *("statement refused", "statement not confirmed"),
        *("ChargeRefunded", "HoldEnded", "NotEnoughTokens", "DeadlinePassed", "IdempotencyTwinRunning"),
        *("WorkFailed", "BillingUnreachable", "replayed=True", "'replayed': True"),
    ):
        assert event in traces, event
