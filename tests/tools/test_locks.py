import pytest

from tools.locks import INPUTS, LOCKS, find_problems, judge, wanted_digest

GOOD = f"{INPUTS}{wanted_digest()}\na==1.0 \\\n    --hash=sha256:00\n"


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_agrees_with_the_project(name: str) -> None:
    assert find_problems(name) == []


def test_a_good_lock_has_no_problems() -> None:
    assert judge("lock", GOOD) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(GOOD.replace(wanted_digest(), "0" * 64), "is older than", id="stale"),
        pytest.param(GOOD.replace("==", ">="), "is not a pin", id="range"),
        pytest.param(GOOD.replace("    --hash=sha256:00", ""), "has no hash", id="hash"),
        pytest.param(GOOD + "--index-url x\n", "an address or an option", id="option"),
        pytest.param(GOOD + "# see https://x\n", "an address or an option", id="address"),
    ],
)
def test_a_bad_lock_is_told_what_is_wrong(text: str, problem: str) -> None:
    assert any(problem in found for found in judge("lock", text))
