"""Defaults of projects and of the whole, and what authors of pipelines wrote above them.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables; pipelines from before wrote all of their spec themselves."""
    op.create_table(
        "pfs_defaults",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_pfs_defaults")),
    )
    op.create_table(
        "pfs_user_spec",
        sa.Column("pipeline", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline"], ["pfs_pipeline.key"], name=op.f("fk_pfs_user_spec_pipeline")
        ),
        sa.PrimaryKeyConstraint("pipeline", "version", name=op.f("pk_pfs_user_spec")),
    )
