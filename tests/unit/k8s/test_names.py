"""Names that fit whatever a pipeline is called."""

import re

import pytest

from pfs_provider.jobs.keys import JobRef, parse_job_ref
from pfs_provider.k8s.names import job_annotations, job_labels, job_name, label_value

ID = "0123456789abcdef0123456789abcdef"
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@pytest.mark.parametrize("name", ["edges", "A_B", "x" * 51, "9_", "Montage__Of-all"])
def test_a_jobs_name_is_a_dns_label_with_room_for_the_index(name: str) -> None:
    made = job_name(parse_job_ref(f"{name}@{ID}"))

    assert LABEL.fullmatch(made)
    assert len(f"{made}-99999") <= 63


def test_one_job_has_one_name_and_others_have_others() -> None:
    refs = [f"a@{ID}", f"p/a@{ID}", f"A@{ID}", f"a@{ID[::-1]}", f"{'y' * 50}1@{ID}",
            f"{'y' * 50}2@{ID}"]  # fmt: skip
    names = [job_name(parse_job_ref(ref)) for ref in refs]

    assert names == [job_name(parse_job_ref(ref)) for ref in refs]
    assert len(set(names)) == len(names)


def test_labels_find_a_job_and_annotations_tell_it_in_full() -> None:
    job = parse_job_ref(f"team/edges_@{ID}")

    assert job_labels(job) == {
        "app.kubernetes.io/managed-by": "pfs-provider",
        "pfs.project": "team",
        "pfs.pipeline": "edges",
        "pfs.job": ID,
    }
    assert job_annotations(job) == {"pfs/job": f"team/edges_@{ID}"}


@pytest.mark.parametrize(
    ("text", "value"), [("a b", "a_b"), ("_x_", "x"), ("y" * 99, "y" * 63), ("", "")]
)
def test_a_label_is_made_legal(text: str, value: str) -> None:
    assert label_value(text) == value


def test_a_ref_is_what_is_named() -> None:
    assert isinstance(parse_job_ref(f"a@{ID}"), JobRef)
