"""What may be an account name or a password."""

import unicodedata

LONGEST_NAME = 254
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256
SHORTEST_COURSE_PASSWORD, LONGEST_COURSE_PASSWORD = 4, 72


def account_name(text: str) -> str:
    """The name as it is kept; raises ValueError with a sentence when it cannot be one."""
    name = unicodedata.normalize("NFKC", text.strip())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"must have 1 to {LONGEST_NAME} characters")
    if any(not _may_be_in_a_name(character) for character in name):
        raise ValueError("must not contain spaces, slashes, control or invisible characters")
    return name


def email_name(text: str) -> str:
    """An account name that looks like an e-mail address.

    No mail is ever sent, so addresses that only work at home (`admin@farebox.local`) are as good as any.
    """
    name = account_name(text)
    local, at, domain = name.rpartition("@")
    if not (local and at and domain) or "@" in local or domain.startswith(".") or domain.endswith("."):
        raise ValueError("must be an e-mail address, such as ada@example.org")
    return name


def fold(name: str) -> str:
    """Equal for names that people would call the same: case, width and composition do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def usable_text(text: str) -> str:
    """The text itself; raises ValueError when PostgreSQL or bcrypt could not take it."""
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain NUL or broken characters")
    return text


def _may_be_in_a_name(character: str) -> bool:
    # C* are control, format, surrogate and unassigned characters; Z* are spaces and line breaks.
    return unicodedata.category(character)[0] not in "CZ" and character != "/"
