-- Beside the catalog's database, which the image makes by itself. Read once, when the volume is new.
CREATE DATABASE airflow;
