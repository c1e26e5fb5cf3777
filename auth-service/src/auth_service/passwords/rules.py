"""How long to wait after failed logins. Pure functions."""

FREE_FAILURES = 5
LONGEST_DELAY_SECONDS = 60


def delay_after(failures: int) -> int:
    """Seconds until the next attempt: none at first, then 1, 2, 4 and so on up to a minute."""
    if failures < FREE_FAILURES:
        return 0
    return min(2 ** min(failures - FREE_FAILURES, 10), LONGEST_DELAY_SECONDS)
