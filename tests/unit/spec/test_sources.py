import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, PfsError, RefusedError, UnavailableError
from pfs_provider.spec.sources import MAX_BYTES, read_documents


def _read(text: str) -> list[object]:
    return list(read_documents(io.StringIO(text))[1])


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('[{"a": 1}, {"b": 2}]', [{"a": 1}, {"b": 2}]),
        ('\ufeff{"a": 1}', [{"a": 1}]),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\na: 1\n---\n", [{"a": 1}]),
        ("- a: 1\n- b: 2\n", [{"a": 1}, {"b": 2}]),
        ("{a: 1}", [{"a": 1}]),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", [{"a": {"b": 1}, "c": {"b": 1, "d": 2}}]),
    ],
)
def test_json_and_yaml_hold_one_or_more_documents(text: str, documents: list[object]) -> None:
    assert _read(text) == documents


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30:45", "12:30:45"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z"),
        ("010", 10),
        ("0x10", "0x10"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-3", -3),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("/*", "/*"),
    ],
)
def test_yaml_scalars_mean_what_yaml_1_2_says(scalar: str, value: object) -> None:
    assert _read(f"a: {scalar}\n") == [{"a": value}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("---\n", "is empty"),
        ("[]", "is empty"),
        ("3", "holds no object"),
        ("- 3", "holds no object"),
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
        ("a: 1\na: 2\n", "the key 'a' twice"),
        ('{"a": 1,, }', "line 1, column"),
        ("a: b: c", "line 1, column 5"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_spec_file_is_refused(text: str, why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        _read(text)

    assert caught.value.code == ErrorCode.SPEC_ILLEGAL
    assert why in str(caught.value)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file") as caught:
        read_documents(tmp_path / "edges.json")

    assert caught.value.code == ErrorCode.SOURCE_NOT_FOUND


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="is a folder"):
        read_documents(str(tmp_path))


def test_a_file_that_may_not_be_read_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    path.symlink_to(path)  # an OSError for root too

    with pytest.raises(UnavailableError, match="cannot be read"):
        read_documents(path)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\xff\xfe", "is not UTF-8"), (b" " * (MAX_BYTES + 1), "is larger than 8 MiB")],
    ids=["binary", "large"],
)
def test_a_file_that_can_be_no_spec_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "spec"
    path.write_bytes(data)

    with pytest.raises(RefusedError, match=why) as caught:
        read_documents(path)

    assert caught.value.code == ErrorCode.SOURCE_ILLEGAL


class _Pages(BaseHTTPRequestHandler):
    """Answers /spec with a document, and /N with the status N."""

    def do_GET(self) -> None:
        status = 200 if self.path == "/spec" else int(self.path[1:])
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b'{"a": 1}')

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_url_is_fetched(site: str) -> None:
    assert read_documents(f"http://{site}/spec") == (f"http://{site}/spec", [{"a": 1}])


@pytest.mark.parametrize(
    ("page", "kind"), [("404", NotFoundError), ("410", NotFoundError), ("500", UnavailableError)]
)
def test_a_url_that_fails_says_so_without_its_password(
    site: str, page: str, kind: type[PfsError]
) -> None:
    with pytest.raises(kind, match=page) as caught:
        read_documents(f"http://{site}/{page}")

    assert site in str(caught.value)


def test_a_url_that_nobody_answers_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot be read") as caught:
        read_documents("http://user:secret@127.0.0.1:1/spec")

    assert "secret" not in str(caught.value)


def test_a_file_url_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"a": 1}')

    assert read_documents(path.as_uri())[1] == [{"a": 1}]


def test_an_open_binary_file_is_named_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("a: 1")

    with path.open("rb") as file:
        name, documents = read_documents(file)

    assert Path(name).name == "spec.yaml"
    assert documents == [{"a": 1}]
