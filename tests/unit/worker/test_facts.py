"""What user code is told of its datum."""

from pfs_provider.jobs.plan import plan_job
from pfs_provider.jobs.records import SetRecord, decode
from pfs_provider.worker.facts import find_facts
from tests.pfs_world import PfsWorld, spec


def test_every_piece_is_told_with_its_commit_and_its_keys(world: PfsWorld) -> None:
    part = {"pfs": {"repo": "in", "glob": "/(*)-*", "group_by": "$1"}}
    world.pfs.create_pipeline(spec("up", input={"group": [part]}))
    world.put(**{"x-1": "1", "x-2": "2"})
    job = world.claim("up")
    plan = plan_job(world.jobs, job)
    made = decode(world.jobs.objects.read(job.set(plan.draft, 0)), SetRecord, name="the set")

    [facts] = [find_facts(plan, datum) for datum in made.datums]

    commit = world.pfs.inspect_commit("in@master").id
    assert (facts.pipeline, facts.job) == ("up", job.id)
    assert [(p.input, p.path, p.commit, p.group_by, p.join_on) for p in facts.pieces] == [
        ("in", "/x-1", commit, "x", None),
        ("in", "/x-2", commit, "x", None),
    ]
