"""Where bytes come from, and what is said when they do not come."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pfs_provider.errors import ErrorCode, NotFoundError, PfsError, RefusedError, UnavailableError
from pfs_provider.versioning.sources import Source, is_url, open_source, source_name


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/there": 200, "/broken": 500}.get(self.path, 404)
        self.send_response(status)
        self.end_headers()
        if status == 200:
            self.wfile.write(b"from afar")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base's own name
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _read(source: Source) -> bytes:
    with open_source(source) as stream:
        return stream.read()


def test_bytes_files_and_paths_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"local")

    assert _read(b"bytes") == b"bytes"
    assert _read(io.BytesIO(b"stream")) == b"stream"
    assert _read(path) == b"local"
    assert _read(str(path)) == b"local"
    assert _read(path.as_uri()) == b"local"


def test_a_url_is_read(site: str) -> None:
    assert _read(f"{site}/there") == b"from afar"


def test_a_binary_file_stays_open() -> None:
    stream = io.BytesIO(b"x")

    _read(stream)

    assert not stream.closed


def test_each_trouble_has_its_word(site: str, tmp_path: Path) -> None:
    cases: list[tuple[Source, type[PfsError], ErrorCode]] = [
        (str(tmp_path / "none"), NotFoundError, ErrorCode.SOURCE_NOT_FOUND),
        (tmp_path, RefusedError, ErrorCode.SOURCE_ILLEGAL),
        ("gopher://x/y", RefusedError, ErrorCode.SOURCE_ILLEGAL),
        (f"{site}/none", NotFoundError, ErrorCode.SOURCE_NOT_FOUND),
        (f"{site}/broken", UnavailableError, ErrorCode.SOURCE_UNAVAILABLE),
        ("http://127.0.0.1:9/", UnavailableError, ErrorCode.SOURCE_UNAVAILABLE),
        (7, RefusedError, ErrorCode.SOURCE_ILLEGAL),  # type: ignore[list-item] # what users may try
    ]

    for source, kind, code in cases:
        with pytest.raises(kind) as raised:
            _read(source)
        assert raised.value.code == code, source


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/b.txt", "b.txt"),
        ("folder/", "folder"),
        ("https://host/x/y.png?size=1#top", "y.png"),
        ("q?#", "q?#"),
    ],
)
def test_a_source_has_the_name_that_its_path_ends_in(source: str, name: str) -> None:
    assert source_name(source) == name


def test_a_colon_alone_makes_no_url() -> None:
    assert not is_url("c:/x")
    assert is_url("s3://x")
