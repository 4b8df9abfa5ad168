from dataclasses import fields

import pytest

from pfs_provider import infos

# The stable surface: programs read these fields. New ones come after them.
STABLE = {
    "RepoInfo": "project name description created size",
    "BranchInfo": "project repo name head provenance trigger",
    "CommitInfo": "project repo branch id parent origin state started finished size message error"
    " provenance",
    "FileInfo": "path type size digest datum modified",
    "DiffInfo": "op path old_size new_size",
    "PipelineInfo": "project name version state reason input created last_job",
    "JobInfo": "id project pipeline version output_commit state reason created started finished"
    " total processed skipped recovered failed",
    "DatumInfo": "id job state files tries exit_code started finished",
}


@pytest.mark.parametrize("name", STABLE)
def test_the_stable_fields_come_first_and_in_their_order(name: str) -> None:
    wanted = STABLE[name].split()

    found = [field.name for field in fields(getattr(infos, name))]

    assert found[: len(wanted)] == wanted


def test_infos_are_values() -> None:
    kinds = [getattr(infos, name) for name in infos.__all__]

    assert all(kind.__dataclass_params__.frozen and hasattr(kind, "__slots__") for kind in kinds)
