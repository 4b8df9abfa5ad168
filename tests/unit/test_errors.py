import pickle

import pytest

from pfs_provider import errors
from pfs_provider.errors import ErrorCode, NotFoundError, PfsError, RefusedError

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickle_with_its_fields(kind: type[PfsError]) -> None:
    error = kind(ErrorCode.REPO_NOT_FOUND, "there is no repo x", repo="x", n=3)

    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made a line above

    assert type(again) is kind
    assert (again.code, again.message, again.fields) == (error.code, error.message, error.fields)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_reads_as_its_message(kind: type[PfsError]) -> None:
    assert str(kind(ErrorCode.REPO_NOT_FOUND, "there is no repo x")) == "there is no repo x"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_a_pfs_error(kind: type[PfsError]) -> None:
    assert issubclass(kind, PfsError)


def test_refused_and_not_found_are_what_python_programs_expect() -> None:
    assert issubclass(RefusedError, ValueError)
    assert issubclass(NotFoundError, LookupError)


def test_codes_are_words_with_dashes_and_unlike_each_other() -> None:
    words = [str(code) for code in ErrorCode]

    assert all(word == word.lower() and "_" not in word for word in words)
    assert len(set(words)) == len(words)
