"""JSON patches and merge patches; the examples are those of RFC 6902 and RFC 7386."""

import json
from typing import Any

import pytest

from pfs_provider.errors import ErrorCode, RefusedError
from pfs_provider.k8s.patches import apply_patch


@pytest.mark.parametrize(
    ("value", "patch", "expected"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}],
         {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}],
         {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}],
         {"foo": ["bar", ["abc"]]}),
        ({"baz": 1, "foo": 2}, [{"op": "remove", "path": "/baz"}], {"foo": 2}),
        ({"foo": ["a", "b", "c"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["a", "c"]}),
        ({"baz": 1}, [{"op": "replace", "path": "/baz", "value": None}], {"baz": None}),
        ({"foo": {"bar": 1, "waldo": 2}, "qux": {}},
         [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
         {"foo": {"bar": 1}, "qux": {"thud": 2}}),
        ({"foo": ["a", "b", "c"]}, [{"op": "move", "from": "/foo/0", "path": "/foo/2"}],
         {"foo": ["b", "c", "a"]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}],
         {"a": {"b": 1}, "c": {"b": 1}}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": "b", "c": {"d": "e", "f": "g"}}, {"a": "z", "c": {"f": None}},
         {"a": "z", "c": {"d": "e"}}),
        ({"a": ["b"]}, {"a": {"b": ["c"]}}, {"a": {"b": ["c"]}}),
    ],
)  # fmt: skip
def test_a_patch_makes_a_new_value(value: Any, patch: Any, expected: Any) -> None:
    before = json.dumps(value)

    assert apply_patch(value, json.dumps(patch), field="pod_patch") == expected
    assert json.dumps(value) == before


def test_no_patch_changes_nothing() -> None:
    assert apply_patch({"a": 1}, " ", field="pod_patch") == {"a": 1}


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ("{", "pod_patch: it is not JSON"),
        ("7", "pod_patch: it has to be"),
        ("[1]", r"pod_patch\[0\]: an operation is an object"),
        ('[{"op": "add", "path": "/a", "value": 1}, {"op": "grow", "path": "/a"}]',
         r"pod_patch\[1\]: \"op\" is 'grow'"),
        ('[{"op": "add", "value": 1}]', '"path" is missing'),
        ('[{"op": "add", "path": "/a"}]', '"value" is missing'),
        ('[{"op": "copy", "path": "/a"}]', '"from" is missing'),
        ('[{"op": "add", "path": "a", "value": 1}]', "has to begin with /"),
        ('[{"op": "add", "path": "/x/y", "value": 1}]', "there is no 'x'"),
        ('[{"op": "add", "path": "/l/3", "value": 1}]', "the list has 1 entries"),
        ('[{"op": "remove", "path": "/l/x"}]', "the list has 1 entries"),
        ('[{"op": "remove", "path": "/nothing"}]', "there is no 'nothing'"),
        ('[{"op": "test", "path": "/l", "value": 2}]', "the test of /l failed"),
        ('[{"op": "add", "path": "/l/0/deep", "value": 2}]', "neither object nor list"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_named_with_its_number(patch: str, named: str) -> None:
    with pytest.raises(RefusedError, match=named) as raised:
        apply_patch({"l": [0]}, patch, field="pod_patch")

    assert raised.value.code == ErrorCode.SPEC_ILLEGAL
    assert "paths start at the pod's spec" in str(raised.value)
