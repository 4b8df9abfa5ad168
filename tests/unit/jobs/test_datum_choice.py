"""Which files a choice means, with a job at hand: test_log_selection.py."""

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.infos import DatumInfo
from pfs_provider.jobs.datum_choice import DatumChoice


def _datum(id_: str, *files: str) -> DatumInfo:
    return DatumInfo(
        id=id_,
        job="1",
        state="starting",
        files=files,
        tries=0,
        exit_code=None,
        started=None,
        finished=None,
    )


PAIR = _datum("aa", "in@1:/a", "lab/other@2:/b/")


@pytest.mark.parametrize(
    ("choice", "has"),
    [
        (DatumChoice(), True),
        (DatumChoice(datum="aa"), True),
        (DatumChoice(datum="a"), False),
        (DatumChoice(inputs=["/a"]), True),
        (DatumChoice(inputs=["/a", "lab/other:/b/c"]), True),
        (DatumChoice(inputs=["/a", "/c"]), False),
        (DatumChoice(datum="aa", inputs=["/c"]), False),
    ],
    ids=str,
)
def test_a_datum_is_meant_that_has_the_id_and_all_files(choice: DatumChoice, has: bool) -> None:
    assert choice.has(PAIR) is has


def test_a_choice_says_whether_it_is_one() -> None:
    assert DatumChoice().is_all
    assert not DatumChoice(datum="aa").is_all
    assert str(DatumChoice(datum="aa", inputs=["/a", "/b"])) == "datum aa of /a, /b"


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"'a\.csv'") as raised:
        DatumChoice(inputs=["a.csv"])

    assert raised.value.code == ErrorCode.PATH_ILLEGAL
