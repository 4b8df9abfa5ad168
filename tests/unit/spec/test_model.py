import pickle

from pfs_provider.refs.names import BranchKey, RepoKey
from pfs_provider.spec.model import CronInput, PfsInput, iter_parts, pfs_inputs
from tests.unit.spec.examples import load, pfs


def test_leaves_come_in_the_order_of_the_spec_and_cron_as_files() -> None:
    cron = {"cron": {"name": "t", "spec": "@daily"}}
    spec = load(input={"cross": [pfs("b"), {"union": [pfs("a"), cron]}]}).spec

    leaves = list(pfs_inputs(spec.input))

    assert [leaf.repo for leaf in leaves] == ["b", "a", "edges_t"]
    assert leaves[2] == PfsInput(name="t", project="default", repo="edges_t", glob="/*")


def test_only_combinations_have_parts() -> None:
    assert iter_parts(load().spec.input) == ()
    assert iter_parts(CronInput(name="t", project="p", repo="r", spec="@daily")) == ()
    assert len(iter_parts(load(input={"cross": [pfs("a"), pfs("b")]}).spec.input)) == 2


def test_keys_are_made_of_names() -> None:
    spec = load(output_branch="v1", input=pfs(project="vision")).spec

    assert spec.output == BranchKey(RepoKey("default", "edges"), "v1")
    assert isinstance(spec.input, PfsInput)
    assert spec.input.branch_key == BranchKey(RepoKey("vision", "images"), "master")


def test_a_spec_survives_pickle() -> None:
    spec = load(transform={"cmd": ["x"], "env": {"A": "b"}}).spec

    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301  # made above


def test_specs_that_mean_the_same_are_equal() -> None:
    assert load(datum_tries=3, input=pfs(branch="master", name="images")).spec == load().spec
