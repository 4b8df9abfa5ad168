import pickle
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime

import pytest

from pfs_provider import infos
from pfs_provider.infos import FileInfo

# The stable surface of the design's section 15: other programs read these names.
FIELDS = {
    "RepoInfo": "project name description created size",
    "BranchInfo": "project repo name head provenance trigger",
    "CommitInfo": (
        "project repo branch id parent origin state started finished size message error provenance"
    ),
    "FileInfo": "path type size digest datum modified",
    "DiffInfo": "op path old_size new_size",
    "PipelineInfo": "project name version state reason input created last_job",
    "JobInfo": (
        "id project pipeline version output_commit state reason created started finished "
        "total processed skipped recovered failed"
    ),
    "DatumInfo": "id job state files tries exit_code started finished",
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_begins_with_the_stable_fields_in_their_order(name: str) -> None:
    stable = FIELDS[name].split()

    found = [field.name for field in fields(getattr(infos, name))]

    assert found[: len(stable)] == stable


def test_values_are_frozen_and_survive_pickle() -> None:
    info = FileInfo(
        path="/a",
        type="file",
        size=1,
        digest="00",
        datum=None,
        modified=datetime(2024, 1, 1, tzinfo=UTC),
    )

    with pytest.raises(FrozenInstanceError):
        info.size = 2  # type: ignore[misc]  # what the test is about

    assert pickle.loads(pickle.dumps(info)) == info  # noqa: S301  # made above
