"""Looks for weaknesses in the code: `python -m tools.security`, a part of `make lint`.

Of the plugin nothing at all may be found: the public plugin repository scans what is uploaded in the same way, and some
of its rules cannot be waived. Of the service each finding stands on a line that says why it is none, to ruff, which
knows the same rules by the same numbers (bandit's B608 is its S608), or in the table of those that ruff does not know.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.plugin import PLUGIN, lay_out

ROOT = Path(__file__).parents[1]
SERVICE = ("sync_service", "kanban_adapter", "config")

HOUSE_RULES = {"B101"}
"""Asserts say what the type checker cannot see; nothing that guards anything is one."""

REASONS = {
    ("sync_service/jobs/serve.py", "B404"): "starts its own worker and gunicorn, by lists of its own making",
    (
        "kanban_adapter/kanboard/client.py",
        "B105",
    ): "the name of Kanboard's application account; the token comes with it",
    ("sync_service/people/reading.py", "B105"): "none yet",
}
"""Findings in whose lines ruff sees nothing: the file, the rule, and why it is none."""

REPOSITORY_FILES = r"metadata\.txt"
"""What the public repository leaves out when it looks for secrets."""


class NotScanned(RuntimeError):
    """A scanner did not run, or not over everything: nothing found means nothing then."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a scanner found in a file, from line to line."""

    file: str
    line: int
    last: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule} {self.text}"


def weaknesses(folder: Path, *parts: str) -> list[Finding]:
    """What bandit finds in these parts of a folder, whatever comments there say. Raises `NotScanned`."""
    options = ["--recursive", "--format", "json", "--quiet", "--ignore-nosec", "--exclude", "*/node_modules/*"]
    report = _report([sys.executable, "-m", "bandit", *options, *parts], folder, fine={0, 1})
    if report["errors"] or not report["metrics"]["_totals"]["loc"]:
        raise NotScanned(f"bandit: {report['errors'] or 'no code'}")
    return [_weakness(each) for each in report["results"]]


def _weakness(found: dict[str, Any]) -> Finding:
    lines, file = found["line_range"], found["filename"].removeprefix("./")
    return Finding(file, min(lines), max(lines), found["test_id"], found["issue_text"])


def secrets(folder: Path) -> list[Finding]:
    """What detect-secrets takes for a secret in a folder, asked as the public repository asks it."""
    options = ["scan", "--all-files", "--exclude-files", REPOSITORY_FILES, "."]
    report = _report([sys.executable, "-m", "detect_secrets", *options], folder, fine={0})
    return [
        Finding(file, each["line_number"], each["line_number"], each["type"], "looks like a secret")
        for file, found in report["results"].items()
        for each in found
    ]


def _report(command: list[str], folder: Path, fine: set[int]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode not in fine:
        raise NotScanned(f"{command[2]}: {done.stderr.strip()[-1000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def unexplained(findings: list[Finding], folder: Path) -> list[Finding]:
    """Findings that neither their own lines, the house rules nor the table explain."""
    return [found for found in findings if found.rule not in HOUSE_RULES and not _is_explained(found, folder)]


def _is_explained(found: Finding, folder: Path) -> bool:
    if (found.file, found.rule) in REASONS:
        return True
    lines = (folder / found.file).read_text(encoding="utf-8").splitlines()[found.line - 1 : found.last]
    said = [re.search(r"# noqa: ([A-Z0-9, ]+) - \S", line) for line in lines]
    return any(match and f"S{found.rule[1:]}" in re.split(r", ?", match[1]) for match in said)


def main() -> int:
    """Run from the command line: 0 when nothing is found that is not explained."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        plugin = Path(folder) / PLUGIN
        found = [*weaknesses(plugin, "."), *secrets(plugin)]
    found += unexplained(weaknesses(ROOT, *SERVICE), ROOT)
    for each in found:
        print(each, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
