import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

from pfs_provider.infos import JobInfo
from pfs_provider.logs import JsonFormatter, job_fields, log_job

NOW = datetime(2026, 11, 21, tzinfo=UTC)
JOB = JobInfo(
    id="a" * 32, project="lab", pipeline="edges", version=2, output_commit="lab/edges@" + "a" * 32,
    state="running", reason="", created=NOW, started=NOW, finished=None,
    total=5, processed=2, skipped=1, recovered=0, failed=1,
)  # fmt: skip


def _lines(act: Any) -> list[dict[str, Any]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("pfs_provider.test")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        act(logger)
    finally:
        logger.removeHandler(handler)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_job_is_logged_as_text_and_as_fields() -> None:
    (line,) = _lines(lambda logger: log_job(logger, JOB, dag="d"))

    assert line["event"] == f"edges@{'a' * 32} running, 3 of 5 datums, 1 failed"
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["dag"]) == ("info", "pfs_provider.test", "d")
    assert line.items() >= job_fields(JOB).items()
    assert (line["pfs_job"], line["pfs_project"], line["pfs_failed"]) == ("a" * 32, "lab", 1)


def test_an_exception_is_one_line_too() -> None:
    def fail(logger: logging.Logger) -> None:
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("it failed")

    (line,) = _lines(fail)

    assert line["level"] == "error"
    assert "ValueError: two\nlines" in line["error"]


def test_what_is_no_json_is_written_as_text() -> None:
    (line,) = _lines(lambda logger: logger.info("x", extra={"at": NOW}))

    assert line["at"] == str(NOW)
