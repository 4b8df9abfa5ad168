"""A Kubernetes Secret, as people write it."""

import json
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, RefusedError
from pfs_provider.spec.secret_document import read_secrets

SECRET = {"kind": "Secret", "metadata": {"name": "db"}}
YAML = """
apiVersion: v1
kind: Secret
metadata: {name: db}
type: Opaque
data: {a: dmFsdWU=}
stringData: {b: "12:30"}
---
kind: Secret
metadata: {name: other}
stringData: {c: "x"}
"""


def test_both_kinds_of_data_are_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(YAML)

    first, second = read_secrets(path)

    assert (first.name, first.values) == ("db", {"a": b"value", "b": b"12:30"})
    assert (second.name, second.values) == ("other", {"c": b"x"})
    assert "value" not in repr(first).replace("values", "")


def test_a_mapping_and_json_are_read_too() -> None:
    whole = SECRET | {"data": {"a": "dmFs\ndWU="}, "stringData": {"a": "stronger"}}

    for source in (whole, json.dumps(whole)):
        [found] = read_secrets(source)
        assert found.values == {"a": b"stronger"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"metadata": {"name": "db"}}, '"kind": "Secret"'),
        ({"kind": "Secret"}, "metadata.name"),
        ({"kind": "Secret", "metadata": {"name": ""}}, "metadata.name"),
        (SECRET | {"data": {"a": "pass-word"}}, "no base64 in data.a"),
        (SECRET | {"data": ["a"]}, "no table in data"),
        (SECRET | {"stringData": {"a": 1234567}}, "no text in stringData.a"),
    ],
)
def test_what_is_no_secret_is_refused_without_its_value(
    document: dict[str, object], words: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_secrets(document)

    assert refused.value.code == ErrorCode.SECRET_ILLEGAL
    assert words in str(refused.value)
    assert "pass-word" not in str(refused.value)
    assert "1234567" not in str(refused.value)


def test_what_cannot_be_read_at_all_is_not_quoted() -> None:
    with pytest.raises(RefusedError) as refused:
        read_secrets('{"stringData": {"a": "hunter22" "b"')

    assert refused.value.code == ErrorCode.SECRET_ILLEGAL
    assert "hunter22" not in str(refused.value)
    with pytest.raises(NotFoundError):
        read_secrets("/no/such/file.yaml")
