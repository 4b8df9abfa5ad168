"""``make demo``: real photographs through two chained pipelines, run by Airflow."""
