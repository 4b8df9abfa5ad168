"""docs/reference/python.md lists the façade as it is."""

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pfs_provider.jobs.launcher import Workers
from pfs_provider.pfs import Pfs
from pfs_provider.verbs.commits import CommitWriter
from tests.docs.pages import run_page
from tests.docs.reference import REFERENCE, bare, gives, public_methods, section_rows, signature

SECTIONS = {
    "## Open and close": ["close"],
    "## Repos and branches": [
        "create_project", "list_projects", "delete_project",
        "create_repo", "inspect_repo", "list_repos", "delete_repo",
        "create_branch", "inspect_branch", "list_branches", "iter_branches", "delete_branch",
    ],
    "## Commits": [
        "commit", "start_commit", "finish_commit", "inspect_commit", "list_commits", "list_change",
        "find_commits", "wait_commit", "subscribe_commits", "squash_commit", "delete_commit",
    ],
    "## Files": [
        "put_file", "put_tree", "put_sources", "delete_file", "copy_file",
        "list_files", "glob_files", "inspect_file", "open", "read_file", "get_file", "get_tree",
        "diff_files",
    ],
    "## Pipelines": [
        "create_pipeline", "update_pipeline", "map", "inspect_pipeline", "pipeline_spec",
        "list_pipelines", "start_pipeline", "stop_pipeline", "run_pipeline", "run_cron",
        "rerun_pipeline", "delete_pipeline",
        "read_specs", "render_specs", "inspect_defaults", "update_defaults", "delete_defaults",
    ],
    "## Secrets": ["create_secret", "list_secrets", "inspect_secret", "delete_secret"],
    "## Jobs": [
        "run", "list_jobs", "inspect_job", "wait_job", "stop_job", "restart_datum", "list_datums",
        "preview_datums", "logs",
    ],
    "## Provenance and events": ["provenance", "subvenance", "list_events", "last_event_number"],
    "## For schedulers": [
        "claim_job", "plan_job", "launch_job", "job_progress", "finish_job", "fail_job",
    ],
    "## For schedulers that sleep": [
        "begin_job", "start_worker", "do_others_work", "wait_for_job", "end_job", "stop_workers",
        "give_back_job",
    ],
    "## For pods of others": ["mount_commit", "commit_mounted"],
    "## For Argo": [
        "begin_workflow", "keep_workflow", "open_keeping", "finish_workflow", "settle_workflow",
        "list_runnable", "list_failed", "prepare_map", "watch",
    ],
    "## Transactions": [
        "transaction", "start_transaction", "record", "list_transactions", "inspect_transaction",
        "finish_transaction", "delete_transaction",
    ],
}  # fmt: skip
OTHERS = {"### CommitWriter": CommitWriter, "### Workers": Workers}


def _expected(methods: list[Callable[..., object]]) -> list[tuple[str, str]]:
    return [(signature(method), gives(method)) for method in methods]


def _written(heading: str) -> list[tuple[str, str]]:
    return [(bare(row[0]), bare(row[1])) for row in section_rows("python.md", heading)]


def test_every_public_method_has_a_section() -> None:
    assert sorted(itertools.chain(*SECTIONS.values())) == sorted(public_methods(Pfs))


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_gives_the_signatures_of_the_code(heading: str) -> None:
    methods = public_methods(Pfs)

    assert _written(heading) == _expected([methods[name] for name in SECTIONS[heading]])


@pytest.mark.parametrize("heading", OTHERS)
def test_what_the_facade_hands_out_is_listed_whole(heading: str) -> None:
    expected = _expected(list(public_methods(OTHERS[heading]).values()))

    assert sorted(_written(heading)) == sorted(expected)


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    assert run_page(REFERENCE / "python.md", tmp_path, {"PATH": path, "HOME": str(tmp_path)}) == 2
