from pfs_provider.airflow.runs import run_facts, run_owner
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
