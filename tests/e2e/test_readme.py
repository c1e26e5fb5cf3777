"""The examples of README.md run as written."""

import asyncio
import os
import re
from pathlib import Path

import pytest
from tests.support.stack import Stack

PROJECT = Path(__file__).parents[2]
MARKED = re.compile(r"<!-- runs: e2e -->\n```sh\n(.*?)```", re.DOTALL)
EXAMPLES = MARKED.findall((PROJECT / "README.md").read_text())
# Texts in the output of each example, in order of occurrence.
SHOWN = [
    [
        '"name":"ada-',
        '"available":15',
        "event: succeeded",
        '"accuracy":',
        "x-tokens-charged: 5",
        '"kind":"charge"',
    ],
    ['"status":"success"', '"r2_score":', '"prediction":', '"tokens":9'],
]


@pytest.mark.parametrize(("example", "shown"), list(zip(EXAMPLES, SHOWN, strict=True)), ids=["v1", "course"])
async def test_readme_example_runs(stack: Stack, example: str, shown: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        "bash",
        *("-e", "-u", "-o", "pipefail", "-c", example),
        cwd=PROJECT,
        env=os.environ | {"FAREBOX": stack.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    rest = output
    for words in shown:
        assert words in rest, (words, rest)
        rest = rest.partition(words)[2]
