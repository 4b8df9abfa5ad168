import io

from pfs_provider.storage.folder_worker import receive, send


def test_a_record_comes_as_it_was_sent() -> None:
    stream = io.BytesIO()

    send(stream, ("read", [b"\xff", "é"], 2**40, None))
    send(stream, ())
    stream.seek(0)

    assert receive(stream) == ("read", [b"\xff", "é"], 2**40, None)
    assert receive(stream) == ()
    assert receive(stream) is None


def test_a_record_that_was_cut_short_is_the_end() -> None:
    stream = io.BytesIO()
    send(stream, ("done",))

    assert receive(io.BytesIO(stream.getvalue()[:-1])) is None
    assert receive(io.BytesIO(stream.getvalue()[:3])) is None
