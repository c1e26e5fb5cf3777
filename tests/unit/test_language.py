"""The checks of language: the glossary's banned words, docstrings and commit subjects."""

import subprocess
from pathlib import Path

import pytest
from scripts.language import banned_words, glossary, relative_docstring

PROJECT = Path(__file__).parents[2]
README = """
### Words

| word | meaning | not |
|---|---|---|
| request | a call to the API | zork, grue for |
| wallet | an account's tokens | |

## Next

| other | table | zork |
"""
BANNED = {"zork": "request", "grue for": "request"}


def test_glossary_maps_each_banned_word_to_its_term() -> None:
    assert glossary(README) == BANNED


def test_glossary_of_the_readme_bans_words() -> None:
    assert len(glossary((PROJECT / "README.md").read_text())) >= 20


@pytest.mark.parametrize("text", ["a zork", "run_zork()", "class RunZork", "ZORK = 1", "Grue for it"])
def test_banned_word_is_found_in_prose_and_in_names(text: str) -> None:
    assert len(list(banned_words(text, BANNED))) == 1


@pytest.mark.parametrize(
    "text", ["a request", "zorks_of", "a zo rk", "grue_for_it", "| request | x | zork |"]
)
def test_other_words_and_the_glossary_itself_pass(text: str) -> None:
    assert list(banned_words(text, BANNED)) == []


def test_complaint_names_line_and_better_word() -> None:
    assert list(banned_words("fine\na zork", BANNED)) == ["2: 'zork'; write: request"]


@pytest.mark.parametrize("word", ["What", "How", "Which", "Who", "Where", "Whatever"])
def test_docstring_that_begins_with_a_relative_word_is_found(word: str) -> None:
    assert list(relative_docstring(f'"""{word} a module does."""'))


@pytest.mark.parametrize("source", ['"""A module."""', "", '"""Whitespace."""'])
def test_docstring_that_begins_with_its_subject_passes(source: str) -> None:
    assert list(relative_docstring(source)) == []


def hook_accepts(subject: str, folder: Path) -> bool:
    message = folder / "message"
    message.write_text(f"{subject}\n\nA body.\n")
    hook = PROJECT / "scripts" / "hooks" / "commit-msg"
    return subprocess.run([hook, message], check=False, capture_output=True).returncode == 0  # noqa: S603 - ours


@pytest.mark.parametrize(
    "subject",
    [
        "fix(ml): release the lock when shutdown cancels a job",
        "docs: describe backups",
        "feat(auth, kit)!: drop the old tokens",
        'Revert "docs: describe backups"',
        "Merge branch 'x'",
        f"ci: {'x' * 68}",
    ],
)
def test_commit_subject_is_accepted(subject: str, tmp_path: Path) -> None:
    assert hook_accepts(subject, tmp_path)


@pytest.mark.parametrize(
    "subject",
    [
        "release the lock",
        "fix(ml): Release the lock",
        "fix(ml): released the lock",
        "fix(ml): releasing the lock",
        "fix: a lock that was kept",
        "fix: release the lock.",
        f"ci: {'x' * 69}",
    ],
)
def test_commit_subject_is_refused(subject: str, tmp_path: Path) -> None:
    assert not hook_accepts(subject, tmp_path)
