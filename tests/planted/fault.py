"""A fault: a text of the project, what it is replaced by, and the test that notices."""

from dataclasses import dataclass
from pathlib import Path


class NotPlantable(Exception):
    """The text to replace is not exactly once in its file."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`test` is a test's id for pytest, whose path begins at the project's root, as `file` does."""

    name: str
    file: str
    old: str
    new: str
    test: str

    @property
    def test_file(self) -> str:
        return self.test.partition("::")[0]

    def planted_in(self, project: Path) -> str:
        """The content of the file with the fault; raises NotPlantable."""
        content = (project / self.file).read_text()
        if (count := content.count(self.old)) != 1:
            raise NotPlantable(f"{self.name}: the text to replace is {count} times in {self.file}")
        if self.old == self.new:
            raise NotPlantable(f"{self.name}: the replacement changes nothing")
        return content.replace(self.old, self.new)

    def plant(self, project: Path) -> None:
        (project / self.file).write_text(self.planted_in(project))
