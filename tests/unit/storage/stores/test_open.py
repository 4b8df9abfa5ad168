import os
import socket
import stat
import time
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from pfs_provider.errors import ErrorCode, RefusedError, UnavailableError
from pfs_provider.storage.stores.memory import MemoryStore
from pfs_provider.storage.stores.open import check_store, open_store
from pfs_provider.testing.stores import Fault, FaultyStore, OverwritingStore, fail_always
from tests.services import StorePlace


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}", "file://{}?sync=1"])
def test_a_folder_is_made_and_opened(tmp_path: Path, form: str) -> None:
    store = open_store(form.format(tmp_path / "new folder" / "store"))

    assert store.traits.folder == tmp_path / "new folder" / "store"
    assert (tmp_path / "new folder" / "store" / "meta" / "format").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relative/path",
        "ftp://host/x",
        "file://host/x",
        "file:///x?bla=1",
        "s3://",
        "s3://key:secret@bucket/x",
        "s3://bucket/x?nonsense=1",
    ],
)
def test_other_urls_are_refused_with_the_known_forms(url: str) -> None:
    with pytest.raises(RefusedError, match="Known forms") as caught:
        open_store(url)

    assert caught.value.code == ErrorCode.STORE_URL_ILLEGAL
    assert "secret" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises((UnavailableError, RefusedError), match="file"):
        open_store(str(tmp_path / "file" / "store"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run the tests as a user")
def test_a_read_only_folder_is_told_unless_it_is_a_store(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)

    with pytest.raises(UnavailableError) as caught:
        open_store(str(tmp_path))
    tmp_path.chmod(stat.S_IRWXU)

    assert caught.value.code == ErrorCode.STORE_READ_ONLY


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.LOST_REQUEST])
def test_a_store_that_takes_no_writes_may_be_read_if_it_is_one(fault: Fault) -> None:
    inner = MemoryStore()
    faulty = FaultyStore(inner, fail_always(fault, verb="create"))

    with pytest.raises(UnavailableError):
        check_store(faulty)
    check_store(inner)
    check_store(faulty)


def test_a_store_without_conditional_create_is_unfit() -> None:
    with pytest.raises(UnavailableError) as caught:
        check_store(OverwritingStore())

    assert caught.value.code == ErrorCode.STORE_UNFIT


def test_a_newer_format_is_refused() -> None:
    store = MemoryStore()
    store.create("meta/format", b'{"pfs_store":2}\n')

    with pytest.raises(UnavailableError, match="newer") as caught:
        check_store(store)

    assert caught.value.code == ErrorCode.STORE_UNFIT


@pytest.mark.minio
def test_a_bucket_that_is_missing_and_wrong_keys_are_told(minio_store: StorePlace) -> None:
    endpoint = minio_store.url.partition("?")[2]

    with pytest.raises(UnavailableError, match="bucket does not exist"):
        open_store(f"s3://pfs-no-such-bucket?{endpoint}", options=minio_store.options)
    wrong = minio_store.options | {"aws_secret_access_key": "wrong-secret"}
    with pytest.raises(UnavailableError, match="credentials") as caught:
        open_store(minio_store.url, options=wrong)

    assert caught.value.code == ErrorCode.STORE_READ_ONLY
    assert "wrong-secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_told() -> None:
    options = {"aws_access_key_id": "a", "aws_secret_access_key": "secret"}

    with pytest.raises(
        UnavailableError, match=r"bucket/x does not answer at http://127\.0\.0\.1:9 "
    ) as caught:
        open_store("s3://bucket/x?endpoint=http://127.0.0.1:9&region=r", options=options)

    assert caught.value.code == ErrorCode.STORE_UNAVAILABLE


@pytest.mark.parametrize("name", ["aws_endpoint_url", "aws_endpoint", "endpoint"])
def test_a_server_without_tls_is_named_as_other_clients_have_it(
    minio_store: StorePlace, name: str
) -> None:
    url, _, query = minio_store.url.partition("?")
    said = dict(parse_qsl(query))
    options = {**minio_store.options, name: said["endpoint"], "region": said["region"]}

    store = open_store(url, options=options)

    assert store.create("x", b"1")


def test_a_machine_without_certificates_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    with pytest.raises(UnavailableError, match="install ca-certificates"):
        open_store("s3://bucket/x?endpoint=http://127.0.0.1:9&region=r")


def test_a_server_that_is_silent_is_waited_for_no_longer_than_was_said() -> None:
    options = {"aws_access_key_id": "a", "aws_secret_access_key": "secret"}
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"s3://bucket/x?endpoint=http://127.0.0.1:{server.getsockname()[1]}&region=r"
        started = time.monotonic()

        with pytest.raises(UnavailableError, match="does not answer"):
            open_store(url, options=options, patience_s=2)

        assert time.monotonic() - started < 6
