from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pfs_provider.airflow.operators.pipeline import PfsPipelineOperator
from pfs_provider.airflow.reports import report_jobs
from pfs_provider.pfs import Pfs
from tests.unit.airflow.contexts import task_context
from tests.unit.airflow.test_checks import copy_spec


def test_commits_are_the_result_and_reasons_the_failure(pfs_home: Path) -> None:
    operator = PfsPipelineOperator(task_id="copy", pipeline="copy")
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
        pfs.create_pipeline(copy_spec("test ! -e /pfs/images/bad && cp -r /pfs/images/. /pfs/out"))
        good = pfs.put_file("images@master:/good", b"x").id
        jobs = pfs.run("copy")
        context = task_context()
        assert report_jobs(operator, context, pfs, jobs) == [f"default/copy@{good}"]
        assert context["ti"].pushed["pfs_job"] == f"copy@{good}"

        bad = pfs.put_file("images@master:/bad", b"x").id
        jobs += pfs.run("copy")
        with pytest.raises(AirflowFailException, match=rf"1 of 2 jobs.*copy@{bad} failure"):
            report_jobs(operator, context, pfs, jobs)
        assert context["ti"].pushed["pfs_job"] == f"copy@{bad}"
        assert report_jobs(operator, task_context(), pfs, []) == []
