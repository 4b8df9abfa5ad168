"""What a pipeline does with its commands: run them for each datum, or keep one up.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; pipelines from before transform, whatever their specs say of services."""
    op.add_column(
        "pfs_pipeline",
        sa.Column("kind", sa.String(), nullable=False, server_default="transform"),
    )
