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


def plan_pairs(process: Process) -> None:
    """Plan a join."""
    assert process.pfs.claim_job("pairs", owner=OWNER) is not None
    process.pfs.plan_job(f"pairs@{SECOND}", workers=3)


def finish_pairs(process: Process) -> None:
    assert process.pfs.finish_job(f"pairs@{SECOND}").state == "success"


def finish_recovered(process: Process) -> None:
    """Finish a job with a datum that err_cmd has recovered."""
    ended = process.pfs.finish_job(f"recovers@{SECOND}")
    assert (ended.state, ended.recovered) == ("success", 1)


def finish_failed(process: Process) -> None:
    """Finish a job with a failed datum, which makes the one behind it unrunnable."""
    ended = process.pfs.finish_job(f"fails@{SECOND}")
    assert (ended.state, ended.failed) == ("failure", 1)


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


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """What there is before each step of jobs of other kinds."""
    folder = tmp_path_factory.mktemp("kinds")
    at = Place(folder / "start")
    at.folder.mkdir()
    sides = [{"pfs": {"repo": name, "glob": "/(*)", "join_on": "$1"}} for name in ("in", "more")]
    with process_at(at) as process:
        pfs = process.pfs
        for name in ("in", "more"):
            pfs.create_repo(name)
        with pfs.commit("more@master", commit_id="3" * 32) as c:
            for name in ("a", "b", "new"):
                c.put_file(f"/{name}", b"more")
        pfs.create_pipeline(spec("pairs", "join", input={"join": sides}, output_conflict="concat"))
        saved = {"err_cmd": ["rest"]}
        pfs.create_pipeline(spec("recovers", "picky", datum_tries=1, transform=saved))
        pfs.create_pipeline(spec("fails", "picky", datum_tries=1))
        pfs.create_pipeline(spec("behind", "join", repo="fails", glob="/"))
        for id_, files in ((FIRST, ("a", "b", "c")), (SECOND, ("bad", "new"))):
            with pfs.commit("in@master", commit_id=id_) as c:
                for name in files:
                    c.put_file(f"/{name}", name.encode())
            if id_ == FIRST:
                for name in ("pairs", "recovers", "fails", "behind"):
                    run_job(process, name)
    found = {"plan_pairs": at}
    for act, pipeline in (
        (finish_pairs, "pairs"), (finish_recovered, "recovers"), (finish_failed, "fails")
    ):  # fmt: skip
        found[act.__name__] = worked = at.copy_to(folder / f"before-{act.__name__}")
        with process_at(worked) as process:
            assert process.pfs.claim_job(pipeline, owner=OWNER) is not None
            process.pfs.plan_job(f"{pipeline}@{SECOND}", workers=3)
            process.work(job_of(process, pipeline))
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
        is_claim = act in {plan, plan_pairs}
        assert is_done or is_claim or fault not in HARMLESS, f"{fault.name} at call {call}"

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


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "fault", [Fault.KILLED_AFTER, Fault.LOST_ANSWER, Fault.REFUSED], ids=lambda fault: fault.name
)
@pytest.mark.parametrize(
    "act",
    [plan_pairs, finish_pairs, finish_recovered, finish_failed],
    ids=lambda act: act.__name__,
)
def test_a_step_of_a_join_or_with_bad_datums_is_done_once_too(
    kinds: dict[str, Place], act: Act, fault: Fault, tmp_path: Path
) -> None:
    check(kinds[act.__name__], act, fault, tmp_path)
