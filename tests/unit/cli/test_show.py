import json
from datetime import UTC, datetime

import pytest

from pfs_provider.cli.show import Output, json_line, show, show_all, show_id, show_json, warn
from pfs_provider.infos import BranchInfo, DiffInfo, RepoInfo

REPO = RepoInfo(
    project="default",
    name="images",
    description="⨯",
    created=datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC),
    size=3,
)
BRANCH = BranchInfo(
    project="default", repo="images", name="v1", head=None, provenance=("default/raw@master",),
    trigger={"branch": "master", "commits": 2},
)  # fmt: skip


def test_json_has_the_fields_in_their_order_and_times_with_z() -> None:
    assert json_line(REPO) == (
        '{"project": "default", "name": "images", "description": "⨯", '
        '"created": "2026-01-02T03:04:05.600000Z", "size": 3}'
    )


def test_json_keeps_null_lists_and_objects() -> None:
    shown = json.loads(json_line(BRANCH))

    assert (shown["head"], shown["provenance"], shown["trigger"]) == (
        None, ["default/raw@master"], {"branch": "master", "commits": 2},
    )  # fmt: skip


def test_text_is_a_line_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    show(BRANCH, Output.TEXT)

    assert capsys.readouterr().out.splitlines() == [
        "Project: default",
        "Repo: images",
        "Name: v1",
        "Head: -",
        "Provenance: default/raw@master",
        'Trigger: {"branch": "master", "commits": 2}',
    ]


def test_lists_are_tables_or_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    diff = DiffInfo(op="deleted", path="/a", old_size=2048, new_size=None)

    show_all([diff, diff], Output.TEXT, live=True)
    show_all([diff, diff], Output.JSON)
    show_all([], Output.TEXT)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["OP   SIZE   NAME", "-    2KiB   /a", "-    2KiB   /a"]
    assert [json.loads(line)["op"] for line in lines[3:]] == ["deleted", "deleted"]


def test_what_was_made_is_shown_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    show_json(REPO, Output.TEXT)
    show_json(REPO, Output.JSON)
    warn("odd")

    shown = capsys.readouterr()
    assert shown.out == json_line(REPO) + "\n"
    assert shown.err == "warning: odd\n"


def test_an_id_stands_alone_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    class Made:
        id = "1" * 32

    show_id(Made(), Output.TEXT)

    assert capsys.readouterr().out == "1" * 32 + "\n"
