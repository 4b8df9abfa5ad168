"""A fault at every single call to the store and the catalog, in every step from put to finish.

Each test does one step once per call: the process dies there, or the answer is lost there. Then the
step is repeated by a fresh process, as a user or a scheduler would. What there is then must be what
an undisturbed step gives.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfs_provider.testing.catalogs import Mishap
from pfs_provider.testing.stores import Fault
from tests.faults_world import OWNER, Act, Place, Process, job_of, portrait, process_at, strike
from tests.pfs_world import spec
from tests.portraits import differing

# Dead before a call is dead after the one before it, and before the first nothing has been done.
FAULTS = (
    Fault.KILLED_AFTER,
    Fault.LOST_ANSWER,
    Fault.LOST_REQUEST,
    Fault.REPEATED,
    Fault.REFUSED,
)
HARMLESS = {Fault.LOST_ANSWER, Fault.REPEATED}
"""It was done, and an act finds that out by itself."""
FIRST = "1" * 32
SECOND = "2" * 32
LARGE = bytes(range(256)) * 6000


def put(process: Process) -> None:
    """Add, change, delete, copy and append, small and large."""
    with process.pfs.commit("in@master", message="second", commit_id=SECOND) as c:
        c.put_file("/a", b"changed")
        c.put_file("/large", LARGE)
        c.delete_file("/b")
        c.copy_file("/d/copy", "in@master:/c")
        c.put_file("/log", b" two", append=True)


def plan(process: Process) -> None:
    assert process.pfs.claim_job("up", owner=OWNER) is not None
    process.pfs.plan_job(f"up@{SECOND}", workers=3)


def work(process: Process) -> None:
    process.work(job_of(process, "up"))


def finish(process: Process) -> None:
    assert process.pfs.finish_job(f"up@{SECOND}").state == "success"


def open_commit(process: Process) -> None:
    process.pfs.start_commit("in@master")


def write_open(process: Process) -> None:
    process.pfs.put_file("in@master:/open", b"written")


def finish_open(process: Process) -> None:
    if any(commit.state == "open" for commit in process.pfs.list_commits("in@master")):
        process.pfs.finish_commit("in@master")


def run_job(process: Process, pipeline: str) -> None:
    ref = job_of(process, pipeline)
    assert process.pfs.claim_job(pipeline, owner=OWNER) is not None
    process.pfs.plan_job(str(ref), workers=3)
    process.work(ref)
    process.pfs.finish_job(str(ref))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """What there is before each step; a first job of both pipelines has been run."""
    folder = tmp_path_factory.mktemp("faults")
    at = Place(folder / "start")
    at.folder.mkdir()
    with process_at(at) as process:
        process.pfs.create_repo("in")
        # Sets of several datums: one is staged and another stored while a third runs.
        process.pfs.create_pipeline(spec("up", "copy", datum_set_spec={"number": 3}))
        process.pfs.create_pipeline(spec("all", "join", repo="up", glob="/"))
        with process.pfs.commit("in@master", message="first", commit_id=FIRST) as c:
            for name in ("a", "b", "c", "log"):
                c.put_file(f"/{name}", name.encode())
        run_job(process, "up")
        run_job(process, "all")
    found: dict[str, Place] = {}
    for number, act in enumerate((put, plan, work, finish)):
        found[act.__name__] = at
        at = at.copy_to(folder / f"after-{number}")
        with process_at(at) as process:
            act(process)
    opened = found["put"]
    for number, act in enumerate((open_commit, write_open, finish_open)):
        found[act.__name__] = opened
        opened = opened.copy_to(folder / f"open-{number}")
        with process_at(opened) as process:
            act(process)
    return found


def strike_everywhere(
    before: Place, act: Act, fault: Fault, folder: Path
) -> Iterator[tuple[str, bool, Place]]:
    """Yield a place per call of the act, struck there and repeated until it was done.

    With it: which call, and whether the act came to its end although it was struck.
    """
    number = 0
    while True:
        place = before.copy_to(folder / str(number))
        mishap = Mishap(number, fault)
        is_done = strike(place, act, mishap)
        if not is_done:
            with process_at(place) as process:
                act(process)
        if not mishap.has_struck:
            return
        yield f"{number}: {mishap.calls[number]}", is_done, place
        number += 1


def check(before: Place, act: Act, fault: Fault, folder: Path) -> None:
    undisturbed = before.copy_to(folder / "undisturbed")
    with process_at(undisturbed) as process:
        act(process)
    expected = portrait(undisturbed)

    n_struck = 0
    for call, is_done, place in strike_everywhere(before, act, fault, folder):
        n_struck += 1
        assert differing(portrait(place), expected) == {}, f"{fault.name} at call {call}"
        # What was done is read back; only the claim of a job and its state are left to a retry.
        assert is_done or act is plan or fault not in HARMLESS, f"{fault.name} at call {call}"

    assert n_struck > 0 or fault is Fault.REPEATED


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize(
    "act", [put, plan, work, finish, write_open, finish_open], ids=lambda act: act.__name__
)
def test_a_step_struck_at_any_call_and_repeated_is_done_once(
    places: dict[str, Place], act: Act, fault: Fault, tmp_path: Path
) -> None:
    check(places[act.__name__], act, fault, tmp_path)
