"""The database itself: opening, schema, transactions, events, leases, writers side by side."""

import gc
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, text

from pfs_provider.catalog import branches, commits, events, leases, named_transactions, repos
from pfs_provider.catalog.database import Catalog
from pfs_provider.catalog.engine import IDLE_S
from pfs_provider.catalog.schema import HEAD, VERSION_TABLE
from pfs_provider.catalog.tables import METADATA
from pfs_provider.clock import RandomIds, SystemClock
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError, UnavailableError
from pfs_provider.refs.ids import CommitId
from tests.catalog_world import World, at, repo

N_WRITERS = 100
N_PROCESSES = 10


@pytest.fixture
def world(catalog_url: str) -> Iterator[World]:
    world = World(catalog_url)
    yield world
    world.catalog.close()


def test_the_migrations_make_the_tables_as_declared(catalog_url: str, world: World) -> None:
    world.catalog.open()

    engine = create_engine(catalog_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        difference = compare_metadata(context, METADATA)
    engine.dispose()

    assert difference == []


def test_opening_twice_migrates_once(catalog_url: str, world: World) -> None:
    world.repos("A")
    world.catalog.close()

    again = World(catalog_url)
    with again.catalog.read() as tx:
        assert repos.get_repo(tx, repo("A")).key == repo("A")
    again.catalog.close()


def test_many_that_open_an_empty_database_at_once_get_on(catalog_url: str) -> None:
    def open_one(name: str) -> None:
        world = World(catalog_url)
        world.repos(name)
        world.catalog.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_one, "ABCDEFGH"))

    world = World(catalog_url)
    with world.catalog.read() as tx:
        assert len(repos.list_repos(tx)) == 8
    world.check()
    world.catalog.close()


@pytest.fixture
def connections() -> Iterator[list[Any]]:
    """The driver's connections of all engines, as they are made."""
    made: list[Any] = []

    def note(connection: object, _record: object) -> None:
        made.append(connection)

    event.listen(Engine, "connect", note)
    yield made
    event.remove(Engine, "connect", note)


def _is_open(connection: Any) -> bool:
    try:
        connection.cursor().execute("SELECT 1")
    except Exception:  # noqa: BLE001 # each driver has its own word for it
        return False
    return True


def test_what_a_thread_uses_while_the_catalog_is_closed_is_closed_after_it(
    catalog_url: str, connections: list[Any]
) -> None:
    world = World(catalog_url)
    with world.catalog.read() as tx:
        world.catalog.close()
        assert not repos.list_repos(tx)

    assert connections
    assert not any(_is_open(connection) for connection in connections)


def test_a_catalog_that_is_forgotten_lets_go(catalog_url: str, connections: list[Any]) -> None:
    world = World(catalog_url)
    world.repos("A")

    del world
    gc.collect()

    assert connections
    assert not any(_is_open(connection) for connection in connections)


@pytest.mark.postgres
def test_a_server_that_was_restarted_while_nobody_asked_is_not_noticed(postgres_url: str) -> None:
    world = World(postgres_url)
    world.repos("A")
    admin = create_engine(postgres_url)
    with admin.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar()
    admin.dispose()

    world.clock.sleep(IDLE_S + 1)
    with world.catalog.read() as tx:
        assert repos.get_repo(tx, repo("A")).key == repo("A")
    world.repos("B")  # and it is written to
    world.catalog.close()

    assert ended


def test_a_newer_schema_is_left_alone(catalog_url: str, world: World) -> None:
    world.catalog.open()
    world.catalog.close()
    _set_revision(catalog_url, "9999")

    with pytest.raises(UnavailableError) as caught:
        world.catalog.open()

    assert caught.value.code == ErrorCode.CATALOG_TOO_NEW
    _set_revision(catalog_url, HEAD)
    world.catalog.open()


def _set_revision(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        statement = text(f"UPDATE {VERSION_TABLE} SET version_num = :revision")  # noqa: S608
        connection.execute(statement, {"revision": revision})
    engine.dispose()


def test_a_read_sees_one_state_while_others_write(world: World) -> None:
    world.repos("A")

    with world.catalog.read() as tx:
        before = repos.list_repos(tx)
        world.repos("B")
        assert repos.list_repos(tx) == before

    with world.catalog.read() as tx:
        assert len(repos.list_repos(tx)) == 2


def test_nothing_done_while_reading_is_kept(world: World) -> None:
    world.repos("A")

    with world.catalog.read() as tx:
        repos.create_repo(tx, repo("B"))

    with world.catalog.read() as tx:
        assert repos.find_repo(tx, repo("B")) is None


def test_events_tell_what_happened_in_order(world: World) -> None:
    world.repos("A")
    with world.catalog.read() as tx:
        start = events.last_event_number(tx)
    commit = world.land("A")

    with world.catalog.read() as tx:
        found = events.list_events(tx, after=start)
        assert [e.kind for e in events.list_events(tx, after=start, limit=2)] == [
            "branch-created",
            "commit-started",
        ]

    assert [e.kind for e in found] == [
        "branch-created",
        "commit-started",
        "branch-moved",
        "commit-finished",
    ]
    assert [e.number for e in found] == [start + n for n in range(1, 5)]
    last = found[-1]
    assert (last.project, last.repo, last.branch) == ("default", "A", "master")
    assert (last.commit, last.state, last.at) == (commit.id, "finished", commit.finished)


def test_a_lease_has_one_owner_until_it_ends(world: World) -> None:
    with world.act() as tx:
        assert leases.acquire_lease(tx, "gc", owner="x", lease_s=60)
        assert leases.acquire_lease(tx, "gc", owner="x", lease_s=60)
        assert not leases.acquire_lease(tx, "gc", owner="y", lease_s=60)
        leases.renew_lease(tx, "gc", owner="x", lease_s=90)
        lease = leases.find_lease(tx, "gc")
        assert lease is not None
        assert (lease.owner, lease.until) == ("x", tx.now + timedelta(seconds=90))

    world.clock.sleep(91)
    with pytest.raises(ConflictError) as caught, world.act() as tx:
        leases.renew_lease(tx, "gc", owner="x", lease_s=60)
    assert caught.value.code == ErrorCode.LEASE_LOST
    with world.act() as tx:
        assert leases.find_lease(tx, "gc") is None
        assert leases.acquire_lease(tx, "gc", owner="y", lease_s=60)
        leases.release_lease(tx, "gc", owner="x")
        assert leases.find_lease(tx, "gc") is not None
        leases.release_lease(tx, "gc", owner="y")
        assert leases.find_lease(tx, "gc") is None


def test_a_named_transaction_collects_requests(world: World) -> None:
    id_ = world.new_id()
    with world.act() as tx:
        named_transactions.create_transaction(tx, id_)
        named_transactions.add_request(tx, id_, {"verb": "start", "branch": "A@master"})
        named_transactions.add_request(tx, id_, {"verb": "finish"})

    with world.act() as tx:
        (found,) = named_transactions.list_transactions(tx)
        assert [request["verb"] for request in found.requests] == ["start", "finish"]
        named_transactions.delete_transaction(tx, id_)
        with pytest.raises(NotFoundError):
            named_transactions.get_transaction(tx, id_)


def _land_some(url: str, count: int) -> int:
    """Land commits as any writer does: look at the head, try, look again."""
    catalog = Catalog(url, clock=SystemClock(), ids=RandomIds())
    conflicts = 0
    for _ in range(count):
        while True:
            with catalog.read() as tx:
                head = branches.get_branch(tx, at("A")).head
            try:
                with catalog.write() as tx:
                    commits.land_commit(
                        tx,
                        at("A"),
                        id=CommitId(RandomIds().new_id()),
                        tree="t",
                        n_files=1,
                        size=1,
                        expected_head=head,
                    )
                break
            except ConflictError as error:
                if error.code != ErrorCode.BRANCH_MOVED:
                    raise
                conflicts += 1
    catalog.close()
    return conflicts


@pytest.mark.timeout(300)
def test_a_hundred_writers_in_processes_make_one_line(catalog_url: str, world: World) -> None:
    world.repos("A")
    world.branch("A")
    world.pipeline("P", "A")
    world.catalog.close()

    context = multiprocessing.get_context("spawn")
    with context.Pool(N_PROCESSES) as pool:
        pool.starmap(_land_some, [(catalog_url, 1)] * N_WRITERS, chunksize=1)

    history = world.log("A")
    assert len(history) == N_WRITERS
    assert {job.id for job in world.jobs("P")} == set(history)
    world.check_with_any_times()


@pytest.mark.timeout(300)
def test_a_hundred_writers_in_threads_make_one_line(catalog_url: str, world: World) -> None:
    world.repos("A")
    world.branch("A")

    def write(_: int) -> None:
        while True:
            head = world.look("A").head
            try:
                with world.catalog.write() as tx:
                    commits.land_commit(
                        tx,
                        at("A"),
                        id=CommitId(RandomIds().new_id()),
                        tree="t",
                        n_files=1,
                        size=1,
                        expected_head=head,
                    )
            except ConflictError as error:
                if error.code != ErrorCode.BRANCH_MOVED:
                    raise
            else:
                return

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(N_WRITERS)))

    assert len(world.log("A")) == N_WRITERS
    world.check()


def _count_statements(engine: Engine) -> list[str]:
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    return seen


def test_a_commit_costs_the_same_after_a_long_history(world: World) -> None:
    world.repos("A")
    world.pipeline("P", "A")
    world.land("A")
    seen = _count_statements(world.catalog._opened())
    world.land("A")
    early = len(seen)
    for _ in range(30):
        world.land("A")
    seen.clear()

    world.land("A")

    assert len(seen) == early
    assert early <= 32


def test_no_statement_walks_a_whole_table(sqlite_url: str) -> None:
    world = World(sqlite_url)
    world.repos("A")
    world.pipeline("P", "A")
    world.pipeline("Q", "P")
    engine = world.catalog._opened()
    seen = _count_statements(engine)
    world.land("A")
    world.work()
    world.land("A")
    world.claim()
    growing = {"pfs_commit", "pfs_commit_provenance", "pfs_event", "pfs_job", "pfs_delta"}

    with engine.connect() as connection:
        for statement in dict.fromkeys(seen):
            if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            n_values = statement.count("?")
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", tuple([None] * n_values)
            ).all()
            for row in plan:
                words = str(row[3]).split()
                walks = words[0] == "SCAN" and words[1] in growing and "INDEX" not in words
                assert not walks, (statement, row[3])
    world.catalog.close()


def test_opening_a_made_catalog_is_quick(sqlite_url: str) -> None:
    world = World(sqlite_url)
    world.catalog.open()
    world.catalog.close()

    started = time.process_time()
    world.catalog.open()

    assert time.process_time() - started < 0.5
    world.catalog.close()
