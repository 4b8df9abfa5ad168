"""All standing pipelines at once."""

import time
from collections.abc import Callable

from pfs_provider.jobs.standing import Standing
from tests.pfs_world import PfsWorld, spec
from tests.unit.jobs.hands import HandLauncher


def _wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.02)


def test_what_is_made_and_stopped_meanwhile_is_noticed(world: PfsWorld) -> None:
    launcher = HandLauncher()
    world.put(a="1")
    world.pfs.create_pipeline({**spec("tap"), "input": None, "spout": {}})

    with Standing(jobs=world.jobs, launcher=launcher, owner="me") as standing:
        _wait_until(lambda: len(launcher.alive) == 1)
        world.pfs.create_pipeline(spec("web", glob="/", service={"internal_port": 1}))
        _wait_until(lambda: len(launcher.alive) == 2)
        world.pfs.stop_pipeline("tap")
        _wait_until(lambda: [ref.pipeline.name for ref in launcher.alive] == ["web"])
        world.pfs.start_pipeline("tap")
        _wait_until(lambda: len(launcher.alive) == 2)

    assert launcher.alive == []
    standing.close()
    assert world.pfs.list_jobs("web")[0].state == "starting", "it was given back"


def test_a_pipeline_of_another_kind_gets_another_keeper(world: PfsWorld) -> None:
    launcher = HandLauncher()
    world.put(a="1")
    tap = {**spec("x"), "input": None, "spout": {}}
    web = spec("x", glob="/", service={"internal_port": 1})
    world.pfs.create_pipeline(tap)

    with Standing(jobs=world.jobs, launcher=launcher, owner="me"):
        _wait_until(lambda: len(launcher.alive) == 1)
        world.pfs.update_pipeline(web)
        _wait_until(lambda: launcher.alive == [world.ref("x")])
        world.pfs.update_pipeline(tap)
        _wait_until(lambda: len(launcher.alive) == 1 and launcher.alive != [world.ref("x")])
        world.pfs.update_pipeline(spec("x"))
        _wait_until(lambda: launcher.alive == [])
        assert [job.state for job in world.run()] == ["success"]
