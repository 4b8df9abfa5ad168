"""docs/reference/values.md lists every field of what the façade gives."""

import inspect
import re
from dataclasses import fields

import pytest

from pfs_provider import infos
from pfs_provider.catalog.values import ENDED_JOB_STATES, Event
from pfs_provider.jobs.launcher import WorkersState
from pfs_provider.jobs.lineage import FileLink
from pfs_provider.jobs.logs import LogLine
from pfs_provider.jobs.results import JobProgress
from pfs_provider.verbs.jobs import PlanInfo
from pfs_provider.verbs.transactions import TransactionInfo
from tests.docs.reference import REFERENCE, bare, section_rows

KINDS = [getattr(infos, name) for name in infos.__all__]
KINDS += [FileLink, LogLine, Event, PlanInfo, JobProgress, WorkersState, TransactionInfo]


def field_rows(kind: type) -> list[tuple[str, str]]:
    """Return a value's own fields with their types, in the page's notation."""
    own = inspect.get_annotations(kind)
    return [(field.name, _type_text(field.type)) for field in fields(kind) if field.name in own]


def _type_text(kind: object) -> str:
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", inspect.formatannotation(kind))
    return text.replace("CommitId", "str").replace(" | ", " or ")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_has_the_fields_that_the_page_says(kind: type) -> None:
    rows = section_rows("values.md", f"### {kind.__name__}")

    wanted = field_rows(kind)

    assert [(bare(row[0]), bare(row[1])) for row in rows][: len(wanted)] == wanted


def test_every_end_of_a_job_is_explained() -> None:
    text = (REFERENCE / "values.md").read_text(encoding="utf-8")

    assert [state for state in ENDED_JOB_STATES if f"| `{state}` |" not in text] == []
