"""Check the language: words that the README's glossary bans, and the first words of module docstrings."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CHECKED = {".py", ".md", ".html", ".sh", ".yml", ".yaml", ".toml", ".json", ""}
# Generated files.
SKIPPED = re.compile(r"^(requirements(-dev)?\.txt|docs/licences\.md|data/|deploy/observability/grafana/)")
# A docstring names its subject first; these words hide the subject in a relative clause.
RELATIVE_WORD = re.compile(r"(What|How|Which|Whether|Who|Whose|Where|When|Why|Whatever|That)\b")
GLOSSARY_ROW = re.compile(r"^\| (?P<term>[^|]+) \| [^|]+ \| (?P<banned>[^|]*) \|$", re.MULTILINE)
# `someName`, `SOME_NAME` and `some_name` are two words each.
WORD_BORDERS = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


def glossary(readme: str) -> Mapping[str, str]:
    """Each banned word or phrase, in lower case, with the term to use instead."""
    _, _, section = readme.partition("### Words")
    section, _, _ = section.partition("\n## ")
    rows = GLOSSARY_ROW.finditer(section)
    return {
        word.strip(): row["term"].strip()
        for row in rows
        for word in row["banned"].lower().split(",")
        if word.strip() and set(word.strip()) != {"-"} and word.strip() != "not"
    }


def banned_words(text: str, banned: Mapping[str, str]) -> Iterator[str]:
    """A complaint for each banned word, with its line; words count in names, too, phrases in prose only."""
    words, phrases = (
        _pattern(term for term in banned if (" " in term) is with_blank) for with_blank in (False, True)
    )
    for number, line in enumerate(text.splitlines(), start=1):
        if GLOSSARY_ROW.match(line):
            continue
        prose = line.lower()
        split_names = WORD_BORDERS.sub(" ", line).lower()
        for match in (*words.finditer(split_names), *phrases.finditer(prose)):
            yield f"{number}: '{match[0]}'; write: {banned[match[0]]}"


def _pattern(terms: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(map(re.escape, sorted(terms, key=len, reverse=True)))
    return re.compile(rf"\b({alternatives})\b") if alternatives else re.compile(r"(?!)")


def relative_docstring(source: str) -> Iterator[str]:
    docstring = ast.get_docstring(ast.parse(source)) or ""
    if RELATIVE_WORD.match(docstring):
        yield f"1: the module's docstring begins with '{docstring.split()[0]}'; begin with its subject"


def tracked_files() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, text=True).stdout  # noqa: S603 - ours
    for name in filter(None, names.split("\0")):
        path = PROJECT / name
        if path.suffix in CHECKED and not SKIPPED.match(name) and path.is_file():
            yield path


def complaints() -> Iterator[str]:
    banned = glossary((PROJECT / "README.md").read_text())
    for path in tracked_files():
        text = path.read_text(errors="replace")
        file_complaints = list(banned_words(text, banned))
        if path.suffix == ".py":
            file_complaints += relative_docstring(text)
        yield from (f"{path.relative_to(PROJECT)}:{complaint}" for complaint in file_complaints)


if __name__ == "__main__":
    all_complaints = list(complaints())
    sys.stdout.writelines(f"{complaint}\n" for complaint in all_complaints)
    sys.exit(bool(all_complaints))
