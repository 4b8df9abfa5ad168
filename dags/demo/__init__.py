"""``make demo``: real photographs, two chained pipelines, run by Airflow, in a folder that stays."""
