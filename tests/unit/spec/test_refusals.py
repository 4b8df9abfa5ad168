from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from tests.unit.spec.examples import load, pfs

JOINED: dict[str, Any] = {"glob": "/(*)", "join_on": "$1"}
GROUPED: dict[str, Any] = {"glob": "/(*)", "group_by": "$1"}


def _transform(**more: object) -> dict[str, object]:
    return {"cmd": ["x"], **more}


REFUSED: list[tuple[dict[str, object], str, str]] = [
    ({"transform": {"cmd": []}}, "transform.cmd", "list of words"),
    ({"transform": {"cmd": [""]}}, "transform.cmd", "list of words"),
    ({"transform": _transform(err_stdin=["x"])}, "transform.err_stdin", "needs err_cmd"),
    ({"transform": _transform(env={"A=B": "x"})}, "transform.env", "hold '='"),
    ({"transform": _transform(secrets=[{"name": "s"}])}, "transform.secrets[0]", "mount_path"),
    (
        {"transform": _transform(secrets=[{"name": "s", "env_var": "X"}])},
        "transform.secrets[0]",
        "name the key",
    ),
    ({"transform": _transform(python_batching=True)}, "transform.python_batching", '"-"'),
    (
        {"transform": {"cmd": ["python", "-"], "python_batching": True}},
        "transform.python_batching",
        "a Python program in stdin",
    ),
    (
        {
            "transform": {
                "cmd": ["python", "-"],
                "stdin": ["1"],
                "python_batching": True,
                "datum_batching": True,
            }
        },
        "transform.python_batching",
        "leave datum_batching out",
    ),
    (
        {
            "transform": {
                "cmd": ["python", "-"],
                "stdin": ["1"],
                "python_batching": True,
                "accept_return_code": [3],
            }
        },
        "transform.python_batching",
        "leave accept_return_code out",
    ),
    ({"output_branch": "a b"}, "output_branch", "letters, digits"),
    ({"datum_set_spec": {"number": 1, "per_worker": 1}}, "datum_set_spec", "keep one"),
    ({"egress": {}}, "egress", "exactly one"),
    (
        {"egress": {"sql_database": {"url": "postgresql://h/d", "file_format": {"type": "CSV"}}}},
        "egress.sql_database.secret",
        "is missing",
    ),
    ({"service": {"internal_port": 80}, "s3_out": True}, "s3_out", "service"),
    (
        {"service": {"internal_port": 80}, "parallelism_spec": {"constant": 2}},
        "parallelism_spec.constant",
        "has to be 1",
    ),
    (
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]},
        "tolerations[0].value",
        "Equal",
    ),
    ({"tolerations": [{"operator": "Equal"}]}, "tolerations[0].key", "Exists"),
    ({"input": pfs(name="out")}, "input.pfs.name", "another"),
    ({"input": pfs(name="a b")}, "input.pfs.name", "letters, digits"),
    ({"input": pfs("edges")}, "input.pfs.repo", "cannot read itself"),
    ({"input": pfs(glob="/[")}, "input.pfs.glob", "character 2"),
    ({"input": pfs(glob="/(*)", join_on="$2")}, "input.pfs.join_on", "names group 2"),
    ({"input": pfs(group_by="$1")}, "input.pfs.group_by", "has no group"),
    ({"input": pfs(s3=True)}, "input.pfs.glob", 'write "/"'),
    ({"input": pfs(glob="/", s3=True, lazy=True)}, "input.pfs.lazy", "leave it out"),
    ({"input": pfs(glob="/", s3=True, empty_files=True)}, "input.pfs.empty_files", "leave it out"),
    (
        {"input": {"union": [pfs(glob="/", s3=True)]}},
        "input.union[0].pfs.s3",
        "inside a union",
    ),
    (
        {"input": {"join": [{"cross": [pfs(glob="/", s3=True, join_on="$0")]}]}},
        "input.join[0].cross[0].pfs.s3",
        "inside a join",
    ),
    ({"input": {"cross": [pfs("a"), pfs("a")]}}, "input.cross[1]", '"name"'),
    (
        {"input": {"cross": [{"union": [pfs("a"), pfs("b")]}, pfs("b")]}},
        "input.cross[1]",
        "/pfs/b",
    ),
    ({"input": {"join": [pfs("a", **JOINED), pfs("b")]}}, "input.join[1].pfs.join_on", "$1"),
    (
        {"input": {"join": [{"union": [pfs("a", **JOINED), pfs("b")]}]}},
        "input.join[0]",
        "datums without join_on",
    ),
    ({"input": {"join": [pfs("a"), pfs("b")]}}, "input.join[0].pfs.join_on", "$1"),
    ({"input": {"group": [pfs("a")]}}, "input.group[0].pfs.group_by", "$1"),
    (
        {"input": {"group": [{"cron": {"name": "t", "spec": "@daily"}}]}},
        "input.group[0]",
        "datums without group_by",
    ),
    ({"input": {"cron": {"name": "out", "spec": "@daily"}}}, "input.cron.name", "another"),
    ({"input": {"cron": {"name": "t", "spec": "x"}}}, "input.cron.spec", "@every 10m"),
    (
        {"input": {"cron": {"name": "t", "spec": "@daily", "repo": "edges"}}},
        "input.cron.repo",
        "leave it out",
    ),
    (
        {"input": pfs(trigger={"branch": "a b", "commits": 1})},
        "input.pfs.trigger.branch",
        "letters",
    ),
    (
        {"input": pfs(branch="master", trigger={"commits": 1})},
        "input.pfs.trigger.branch",
        "follow",
    ),
    ({"input": pfs(trigger={"branch": "s", "size": "big"})}, "input.pfs.trigger.size", "100M"),
    ({"input": pfs(trigger={"branch": "s", "size": "1E"})}, "input.pfs.trigger.size", "100M"),
    ({"input": pfs(trigger={"branch": "s"})}, "input.pfs.trigger", "no condition"),
    (
        {"input": pfs(trigger={"branch": "s", "cron_spec": "x"})},
        "input.pfs.trigger.cron_spec",
        "cron expression",
    ),
    (
        {"input": pfs(trigger={"branch": "s", "cron_spec": "@daily", "commits": 1})},
        "input.pfs.trigger.cron_spec",
        "excludes",
    ),
]


@pytest.mark.parametrize(
    ("changes", "field", "way_out"),
    REFUSED,
    ids=[f"{n}-{f}" for n, (_, f, _) in enumerate(REFUSED)],
)
def test_what_cannot_be_planned_is_refused_with_field_and_way_out(
    changes: dict[str, object], field: str, way_out: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        load(**changes)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert caught.value.fields["field"] == field
    assert way_out in str(caught.value)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"input": {"union": [pfs("a", name="x"), pfs("b", name="x")]}},
        {"input": {"cross": [{"union": [pfs("a", name="x"), pfs("b", name="x")]}, pfs("c")]}},
        {"input": {"cross": [pfs("a", "/", s3=True), pfs("b")]}},
        {"input": {"pfs": {"repo": "a", "s3": True}}},
        {"input": {"join": [pfs("a", **JOINED), pfs("b", **JOINED)]}},
        {"input": {"join": [{"cross": [pfs("a", **JOINED), pfs("c")]}, pfs("b", **JOINED)]}},
        {"input": {"group": [{"join": [pfs("a", **JOINED, group_by="$1"), pfs("b", **JOINED)]}]}},
        {"input": pfs(trigger={"branch": "s", "size": "1.5 GiB", "commits": 2, "all": True})},
        {"tolerations": [{"operator": "EXISTS"}]},
    ],
)
def test_what_can_be_planned_passes_without_a_warning(changes: dict[str, object]) -> None:
    assert load(**changes).warnings == ()


@pytest.mark.parametrize("more", [JOINED, GROUPED])
def test_a_key_where_nothing_is_joined_or_grouped_warns(more: dict[str, Any]) -> None:
    [warning] = load(input=pfs("a", **more)).warnings

    assert "has no effect outside of a" in warning


def test_an_outer_join_without_keys_warns() -> None:
    [warning] = load(input={"join": [pfs("a", outer_join=True), pfs("b")]}).warnings

    assert warning == 'input.join has no "join_on", so that everything is joined with everything'
