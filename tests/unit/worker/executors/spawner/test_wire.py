import os
import socket
from pathlib import Path

import pytest

from pfs_provider.worker.executors.spawner.wire import Parcel, receive, send


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@pytest.mark.parametrize("with_folder", [False, True])
@pytest.mark.parametrize("root", [b"", b"/a b/\xff"])
def test_a_parcel_arrives_with_its_files_closed_on_exec(
    tmp_path: Path, root: bytes, with_folder: bool
) -> None:
    here, there = _pair()
    names = ["text", "report", "stdin", "log", "folder"][: 5 if with_folder else 4]
    sent = [os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in names]

    with here, there:
        send(here, Parcel(root, *sent))
        parcel = receive(there)

    assert parcel is not None
    assert parcel.root == root
    got = [parcel.text, parcel.report, parcel.stdin, parcel.log]
    got += [parcel.folder] if parcel.folder is not None else []
    assert [Path(f"/proc/self/fd/{number}").readlink().name for number in got] == names
    assert not any(os.get_inheritable(number) for number in got)
    parcel.close()
    os.close(parcel.report)
    for number in sent:
        os.close(number)


def test_a_hang_up_is_no_parcel() -> None:
    here, there = _pair()
    here.close()

    with there:
        assert receive(there) is None


def test_a_device_is_never_given_away() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    owner = os.fstat(null).st_uid

    Parcel(b"", null, null, null, null).give_to(65534, 65534)

    assert os.fstat(null).st_uid == owner
    os.close(null)
