"""The plugin that turns a skip into a failure."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SKIPS = {
    "call": "import pytest\ndef test_one():\n    pytest.skip('no engine')\n",
    "mark": "import pytest\n@pytest.mark.skipif(True, reason='no engine')\ndef test_one():\n    pass\n",
    "fixture": (
        "import pytest\n@pytest.fixture\ndef engine():\n    pytest.skip('no engine')\ndef test_one(engine):\n    pass\n"
    ),
    "module": "import pytest\npytest.skip('no engine', allow_module_level=True)\n",
    "import": "import pytest\npytest.importorskip('no_such_engine', reason='no engine')\n",
}


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_skip_fails(pytester: pytest.Pytester, source: str) -> None:
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess("-p", "tests.noskip")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*a skip is a failure here (*no engine*"])
    assert "skipped" not in result.parseoutcomes()


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_skip_allowed_when_asked(pytester: pytest.Pytester, source: str) -> None:
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess("-p", "tests.noskip", "--allow-skips")
    assert result.parseoutcomes() == {"skipped": 1}


def test_expected_failure_is_no_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_one():\n    assert False\n")
    result = pytester.runpytest_inprocess("-p", "tests.noskip")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"xfailed": 1}
