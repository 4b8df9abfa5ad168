"""Pachyderm specs as a DAG: one task for each pipeline of the folder ``word_count``.

The DAG creates the repo ``texts`` and the pipelines when it first runs, updates a pipeline when its
spec changes, and runs whenever something lands on ``texts@master``.
"""

from pathlib import Path

from pfs_provider.airflow import pipeline_dag

pipeline_dag(Path(__file__).parent / "word_count", dag_id="pfs_word_count")
