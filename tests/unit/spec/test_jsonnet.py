import io
import sys
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError, UnavailableError
from pfs_provider.spec.jsonnet import render_jsonnet
from pfs_provider.spec.load import load_specs
from pfs_provider.spec.sources import read_documents

pytest.importorskip("_jsonnet", reason="Jsonnet is not installed: make setup brings it")

EDGES = """
function(suffix, repo="images") {
  pipeline: { name: "edges-" + suffix },
  transform: { cmd: ["python3", "/edges.py"] },
  input: { pfs: { repo: repo, glob: "/*" } },
}
"""


def _file(text: str, name: str = "edges.jsonnet") -> io.StringIO:
    file = io.StringIO(text)
    file.name = name
    return file


def test_a_template_gives_a_spec_of_its_arguments() -> None:
    documents = render_jsonnet(_file(EDGES), {"suffix": "1"})

    [loaded] = load_specs(documents)
    assert loaded.spec.key.name == "edges-1"
    assert [str(loaded.spec.key)] == ["edges-1"]


def test_a_template_may_give_several(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonnet"
    path.write_text('function(n) [{ name: "p-" + i } for i in std.range(1, std.parseInt(n))]')

    assert render_jsonnet(path, {"n": "2"}) == [{"name": "p-1"}, {"name": "p-2"}]


def test_plain_json_is_a_template_too() -> None:
    assert render_jsonnet(_file('{"a": 1}'), {}) == [{"a": 1}]


def test_arguments_are_text() -> None:
    assert render_jsonnet(_file("function(n) { n: n, t: std.type(n) }"), {"n": "4"}) == [
        {"n": "4", "t": "string"}
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (EDGES, {}, "edges.jsonnet wants a value for suffix: give --arg suffix=VALUE"),
        (EDGES, {"suffix": "1", "sufix": "2"}, "has no parameter sufix: take --arg sufix=… away"),
        ("{a: 1}", {"b": "1"}, "edges.jsonnet takes no arguments: leave b out"),
        ("{a: b}", {}, "cannot be rendered: edges.jsonnet:1:5: Unknown variable: b"),
        ("{a: 1", {}, "cannot be rendered: edges.jsonnet:1:6: expected a comma"),
        ('{a: error "no"}', {}, "cannot be rendered: no (at edges.jsonnet:1:5"),
        ('{a: import "b"}', {}, "a template sees no other file, so put b into it"),
        ('{a: importstr "/etc/passwd"}', {}, "a template sees no other file"),
        ("local f(x) = f(x + 1); f(1)", {}, "max stack frames exceeded"),
        ("function(n) n", {"n": "x"}, "holds no object"),
    ],
)
def test_what_cannot_be_rendered_is_refused(
    text: str, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        render_jsonnet(_file(text), arguments)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_text_or_not_there_is_told() -> None:
    with pytest.raises(RefusedError, match=r"not UTF-8 text \(byte 1\)"):
        render_jsonnet(io.BytesIO(b"\xff"), {})
    with pytest.raises(NotFoundError, match="there is no file"):
        render_jsonnet("nowhere.jsonnet", {})


def test_without_jsonnet_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_jsonnet", None)

    with pytest.raises(UnavailableError, match=r"airflow-provider-pfs\[jsonnet\]") as caught:
        render_jsonnet(_file(EDGES), {})

    assert caught.value.code == ErrorCode.EXTRA_MISSING


def test_a_template_is_not_read_as_a_spec() -> None:
    with pytest.raises(RefusedError, match="--jsonnet FILE --arg NAME=VALUE"):
        read_documents(_file(EDGES))
