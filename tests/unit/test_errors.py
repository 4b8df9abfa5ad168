import pickle
import re
from pathlib import Path

import pytest

from pfs_provider import errors
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, PfsError, RefusedError

SOURCE = Path(errors.__file__).parent
KINDS = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, PfsError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickle_with_its_fields(kind: type[PfsError]) -> None:
    error = kind(ErrorCode.PATH_ILLEGAL, "no such luck", path="/a", count=3)

    back = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes, made a line above

    assert type(back) is kind
    assert (back.code, back.fields) == (ErrorCode.PATH_ILLEGAL, {"path": "/a", "count": 3})
    assert str(back) == "no such luck"


def test_a_missing_extra_is_named_with_the_way_to_get_it() -> None:
    error = errors.extra_missing("metrics need an extra", "metrics")

    assert str(error) == "metrics need an extra: pip install 'airflow-provider-pfs[metrics]'"
    assert (error.code, error.fields) == (ErrorCode.EXTRA_MISSING, {"extra": "metrics"})


def test_only_two_kinds_have_a_builtin_parent() -> None:
    assert issubclass(RefusedError, ValueError)
    assert issubclass(NotFoundError, LookupError)
    assert ConflictError.__bases__ == (PfsError,)


def test_a_code_is_lower_case_words_and_stands_for_one_thing() -> None:
    words = [str(code) for code in ErrorCode]

    assert len(set(words)) == len(words)
    assert [word for word in words if not word.replace("-", "").islower()] == []
    assert [code for code in ErrorCode if code.name.lower().replace("_", "-") != code] == []


def test_every_code_is_raised_somewhere() -> None:
    sources = [path.read_text() for path in SOURCE.rglob("*.py") if path.name != "errors.py"]

    used = set(re.findall(r"\bErrorCode\.([A-Z_]+)", "\n".join(sources)))

    assert [str(code) for code in ErrorCode if code.name not in used] == []
