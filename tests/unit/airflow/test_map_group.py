from airflow.sdk import DAG

from pfs_provider.airflow.map_group import PfsMapGroup


def _dag(**kwargs: object) -> DAG:
    with DAG("d", schedule=None) as dag:
        PfsMapGroup(pipeline="edges", **kwargs)  # type: ignore[arg-type] # names are the test's
    return dag


def test_it_is_plan_then_mapped_work_then_finish() -> None:
    dag = _dag()

    assert set(dag.task_dict) == {"edges.plan", "edges.work", "edges.finish"}
    assert dag.get_task("edges.work").is_mapped
    assert dag.get_task("edges.plan").downstream_task_ids >= {"edges.work"}
    assert dag.get_task("edges.work").downstream_task_ids == {"edges.finish"}


def test_the_last_task_runs_whatever_became_of_the_mapped_ones() -> None:
    assert _dag().get_task("edges.finish").trigger_rule == "all_done"


def test_a_pipeline_of_a_project_is_a_legal_group() -> None:
    with DAG("d", schedule=None) as dag:
        PfsMapGroup(pipeline="vision/edges")

    assert "vision_edges.plan" in dag.task_dict


def test_the_mapped_tasks_take_arguments_of_their_own() -> None:
    work = _dag(task_args={"retries": 5}).get_task("edges.work")

    assert work.retries == 5
