from pfs_provider.catalog import keys
from pfs_provider.refs.names import BranchKey, PipelineKey, RepoKey


def test_keys_go_to_text_and_back() -> None:
    repo = RepoKey("p", "r")
    branch = BranchKey(repo, "b")
    pipeline = PipelineKey("p", "r")

    assert keys.repo_key(repo.full) == repo
    assert keys.branch_key(branch.full) == branch
    assert keys.branch_of(repo.full, "b") == branch.full
    assert keys.pipeline_key(keys.pipeline_text(pipeline)) == pipeline
    assert keys.pipeline_text(pipeline) == repo.full
