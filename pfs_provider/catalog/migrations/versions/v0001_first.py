"""The first schema. Everything is new; the default project is made here.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Time = sa.DateTime(timezone=True)
_ACTIVE = sa.text("state IN ('created', 'starting', 'running', 'egressing', 'finishing')")


def upgrade() -> None:
    """Make all tables and the default project."""
    op.create_table(
        "pfs_commit_provenance",
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("input_repo", sa.String(), nullable=False),
        sa.Column("input_branch", sa.String(), nullable=False),
        sa.Column("input_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "id", "position", name=op.f("pk_pfs_commit_provenance")),
    )
    op.create_index(
        op.f("ix_pfs_commit_provenance_input_repo_input_id"),
        "pfs_commit_provenance",
        ["input_repo", "input_id"],
        unique=False,
    )
    op.create_table(
        "pfs_delta",
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "id", "position", name=op.f("pk_pfs_delta")),
    )
    op.create_table(
        "pfs_event",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", _Time, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=True),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("commit", sa.String(), nullable=True),
        sa.Column("pipeline", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pfs_event")),
    )
    op.create_table(
        "pfs_lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", _Time, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pfs_lease")),
    )
    op.create_table(
        "pfs_project",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created", _Time, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pfs_project")),
    )
    op.create_table(
        "pfs_transaction",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started", _Time, nullable=False),
        sa.Column("requests", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pfs_transaction")),
    )
    op.create_table(
        "pfs_pipeline",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("created", _Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["pfs_project.name"], name=op.f("fk_pfs_pipeline_project")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pfs_pipeline")),
        sa.UniqueConstraint("output", name=op.f("uq_pfs_pipeline_output")),
    )
    op.create_index(op.f("ix_pfs_pipeline_project"), "pfs_pipeline", ["project"], unique=False)
    op.create_table(
        "pfs_repo",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created", _Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["pfs_project.name"], name=op.f("fk_pfs_repo_project")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pfs_repo")),
    )
    op.create_index(op.f("ix_pfs_repo_project"), "pfs_repo", ["project"], unique=False)
    op.create_table(
        "pfs_branch",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=True),
        sa.Column("open_commit", sa.String(), nullable=True),
        sa.Column("created", _Time, nullable=False),
        sa.ForeignKeyConstraint(["repo"], ["pfs_repo.key"], name=op.f("fk_pfs_branch_repo")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pfs_branch")),
    )
    op.create_index(op.f("ix_pfs_branch_repo"), "pfs_branch", ["repo"], unique=False)
    op.create_table(
        "pfs_commit",
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("n_files", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started", _Time, nullable=False),
        sa.Column("finished", _Time, nullable=True),
        sa.Column("run", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["repo"], ["pfs_repo.key"], name=op.f("fk_pfs_commit_repo")),
        sa.PrimaryKeyConstraint("repo", "id", name=op.f("pk_pfs_commit")),
    )
    op.create_index(op.f("ix_pfs_commit_id"), "pfs_commit", ["id"], unique=False)
    op.create_index(
        op.f("ix_pfs_commit_repo_number"), "pfs_commit", ["repo", "number"], unique=False
    )
    op.create_index(
        op.f("ix_pfs_commit_repo_parent"), "pfs_commit", ["repo", "parent"], unique=False
    )
    op.create_table(
        "pfs_job",
        sa.Column("pipeline", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", _Time, nullable=False),
        sa.Column("started", _Time, nullable=True),
        sa.Column("finished", _Time, nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lease_until", _Time, nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["pfs_pipeline.key"], name=op.f("fk_pfs_job_pipeline")
        ),
        sa.PrimaryKeyConstraint("pipeline", "id", name=op.f("pk_pfs_job")),
        sa.UniqueConstraint("number", name=op.f("uq_pfs_job_number")),
    )
    op.create_index(
        "ix_pfs_job_active",
        "pfs_job",
        ["number"],
        unique=False,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index(op.f("ix_pfs_job_id"), "pfs_job", ["id"], unique=False)
    op.create_index(
        op.f("ix_pfs_job_pipeline_number"), "pfs_job", ["pipeline", "number"], unique=False
    )
    op.create_table(
        "pfs_pipeline_version",
        sa.Column("pipeline", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("input_text", sa.Text(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("created", _Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["pfs_pipeline.key"], name=op.f("fk_pfs_pipeline_version_pipeline")
        ),
        sa.PrimaryKeyConstraint("pipeline", "version", name=op.f("pk_pfs_pipeline_version")),
    )
    op.create_table(
        "pfs_branch_provenance",
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("input", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("propagate", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch"], ["pfs_branch.key"], name=op.f("fk_pfs_branch_provenance_branch")
        ),
        sa.ForeignKeyConstraint(
            ["input"], ["pfs_branch.key"], name=op.f("fk_pfs_branch_provenance_input")
        ),
        sa.PrimaryKeyConstraint("branch", "input", name=op.f("pk_pfs_branch_provenance")),
    )
    op.create_index(
        op.f("ix_pfs_branch_provenance_input"), "pfs_branch_provenance", ["input"], unique=False
    )
    op.create_table(
        "pfs_trigger",
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("watched", sa.String(), nullable=False),
        sa.Column("size", sa.String(), nullable=True),
        sa.Column("n_commits", sa.Integer(), nullable=True),
        sa.Column("rate", sa.String(), nullable=True),
        sa.Column("cron", sa.String(), nullable=True),
        sa.Column("needs_all", sa.Boolean(), nullable=False),
        sa.Column("ticked", _Time, nullable=True),
        sa.ForeignKeyConstraint(["branch"], ["pfs_branch.key"], name=op.f("fk_pfs_trigger_branch")),
        sa.ForeignKeyConstraint(
            ["watched"], ["pfs_branch.key"], name=op.f("fk_pfs_trigger_watched")
        ),
        sa.PrimaryKeyConstraint("branch", name=op.f("pk_pfs_trigger")),
    )
    op.create_index(op.f("ix_pfs_trigger_cron"), "pfs_trigger", ["cron"], unique=False)
    op.create_index(op.f("ix_pfs_trigger_watched"), "pfs_trigger", ["watched"], unique=False)

    op.execute(
        "INSERT INTO pfs_project (name, description, created) "
        "VALUES ('default', '', CURRENT_TIMESTAMP)"
    )
