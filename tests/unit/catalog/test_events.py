from pfs_provider.catalog import events
from pfs_provider.catalog.transaction import Tx


def test_events_of_the_transaction_itself_can_be_read(tx: Tx) -> None:
    before = events.last_event_number(tx)

    tx.add_event("project-created", "other", data={"n": 1})

    (found,) = events.list_events(tx, after=before)
    assert (found.number, found.project, found.repo, found.data) == (
        before + 1,
        "other",
        None,
        {"n": 1},
    )
    assert events.last_event_number(tx) == before + 1
