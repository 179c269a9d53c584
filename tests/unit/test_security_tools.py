"""The search for weaknesses finds them, and lets pass only what says why it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import plugin, security
from tools.security import REASONS, ROOT, Finding, NotScanned, secrets, unexplained, weaknesses

if TYPE_CHECKING:
    from pathlib import Path

WEAK = {
    "B307": "x = eval(input())\n",
    "B102": "exec('x')\n",
    "B101": "assert x\n",
    "B105": "password = 'tiger'\n",
    "B608": "def f(c, n):\n    c.execute(f'SELECT a FROM {n} WHERE b')\n",
    "B404": "import subprocess\n",
    "B301": "import pickle\npickle.loads(b'')\n",
}
"""What the public plugin repository finds, by its rules."""


def rules(folder: Path) -> set[str]:
    return {found.rule for found in weaknesses(folder, ".")}


def test_nothing_is_found_in_the_plugin_and_the_service() -> None:
    assert security.main() == 0


@pytest.mark.parametrize("rule", WEAK)
def test_weakness_is_found(rule: str, tmp_path: Path) -> None:
    (tmp_path / "weak.py").write_text(WEAK[rule])
    assert rule in rules(tmp_path)


def test_no_comment_hides_a_weakness(tmp_path: Path) -> None:
    (tmp_path / "weak.py").write_text("x = eval(input())  # no" + "sec\n")
    assert rules(tmp_path) == {"B307"}


@pytest.mark.parametrize(
    "line",
    [
        'key = "AKIA' + 'IOSFODNN7ABCDEFG"',
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        'url = "https://city:' + 'tiger@map.test/"',
    ],
    ids=["cloud key", "private key", "password in an address"],
)
def test_secret_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "ru.json").write_text(f"{line}\n")
    (found,) = secrets(tmp_path)
    assert (found.file, found.line) == ("words/ru.json", 1)


def test_what_is_found_in_the_plugin_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lay_out(stage: Path) -> None:
        plugin.lay_out(stage)
        (stage / plugin.PLUGIN / "core" / "weak.py").write_text(WEAK["B307"])

    monkeypatch.setattr(security, "lay_out", lay_out)
    monkeypatch.setattr(security, "SERVICE", ("config",))
    assert security.main() == 1
    assert capsys.readouterr().err.startswith("core/weak.py:1: B307 ")


@pytest.mark.parametrize("text", ["def broken(:\n", ""])
def test_code_that_was_not_read_is_no_good_news(text: str, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(text)
    with pytest.raises(NotScanned):
        weaknesses(tmp_path, ".")


@pytest.mark.parametrize(
    ("comment", "explained"),
    [
        ("# no" + "qa: S608 - names of our own", True),
        ("# no" + "qa: E501, S608 - names of our own", True),
        ("# no" + "qa: S608", False),
        ("# no" + "qa: S105 - not a secret", False),
        ("", False),
    ],
)
def test_line_explains_its_own_rule_with_a_reason(comment: str, explained: bool, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(f"def f(c, n):\n    c.execute(f'SELECT a FROM {{n}} WHERE b')  {comment}\n")
    found = weaknesses(tmp_path, ".")
    assert [each.rule for each in found] == ["B608"]
    assert (unexplained(found, tmp_path) == []) is explained


def test_every_reason_is_still_needed() -> None:
    files = {file for file, _ in REASONS}
    assert set(REASONS) <= {(found.file, found.rule) for found in weaknesses(ROOT, *files)}


def test_finding_is_one_line() -> None:
    assert str(Finding("a/b.py", 3, 4, "B102", "Use of it.")) == "a/b.py:3: B102 Use of it."
