"""Rules of groups: join codes, aliases and time zones. Pure."""

import secrets
from zoneinfo import available_timezones

# Crockford's base 32: no letter that looks like a digit, and no U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10  # of 5 bits each
HALF = CODE_LENGTH // 2
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
ALIASES = 9000
FIRST_ALIAS = 1000


def new_code() -> str:
    """A code of 50 random bits, such as `7XQ2M-0ZRTA`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{letters[:HALF]}-{letters[HALF:]}"


def read_code(text: str) -> str | None:
    """The code that somebody typed, as it is stored; None for what cannot be one."""
    letters = text.strip().upper().translate(LOOKALIKES)
    if len(letters) != CODE_LENGTH or not set(letters) <= set(ALPHABET):
        return None
    return f"{letters[:HALF]}-{letters[HALF:]}"


def new_alias(taken: set[str]) -> str:
    """An alias that no other member has; it does not show who joined first."""
    while True:
        alias = f"member-{FIRST_ALIAS + secrets.randbelow(ALIASES)}"
        if alias not in taken:
            return alias


def time_zone(name: str) -> str:
    """The unchanged name; raises ValueError for what is not in the time zone database."""
    if name not in available_timezones():
        raise ValueError("must be a name of the time zone database, such as Europe/Berlin")
    return name
