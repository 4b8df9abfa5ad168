from pfs_provider.airflow.runs import group_owner, run_facts, run_marks, run_owner
from tests.unit.airflow.contexts import TaskInstance, task_context


def test_all_tries_of_a_task_are_one_owner() -> None:
    first = run_owner(task_context(ti=TaskInstance(try_number=1)))
    second = run_owner(task_context(ti=TaskInstance(try_number=2)))

    assert first == second == "airflow/dag/run/task/-1"


def test_mapped_tasks_are_owners_of_their_own() -> None:
    owners = {run_owner(task_context(ti=TaskInstance(map_index=n))) for n in (None, 0, 1)}

    assert len(owners) == 3


def test_provenance_records_dag_run_and_task() -> None:
    assert run_facts(task_context()) == {
        "scheduler": "airflow", "dag": "dag", "run": "run", "task": "task", "map_index": -1,
    }  # fmt: skip


def test_the_tasks_of_one_group_are_one_owner() -> None:
    plan = task_context(ti=TaskInstance(task_id="edges.plan"))
    work = task_context(ti=TaskInstance(task_id="edges.work", map_index=3, try_number=2))

    assert group_owner(plan, "edges") == group_owner(work, "edges") == "airflow/dag/run/edges"


def test_pods_are_marked_with_their_task_in_labels_that_kubernetes_takes() -> None:
    task = TaskInstance(run_id="asset__2026-11-21T09:00:00+00:00", try_number=3)

    labels, annotations = run_marks(task_context(ti=task))

    assert labels == {
        "pfs.dag": "dag", "pfs.run": "asset__2026-11-21T09_00_00_00_00", "pfs.task": "task"
    }  # fmt: skip
    assert annotations["pfs/run"] == task.run_id
    assert (annotations["pfs/try"], annotations["pfs/map_index"]) == ("3", "-1")
