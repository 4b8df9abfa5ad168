"""``python -m pfs_provider.worker``."""

import sys

from pfs_provider.worker.main import main

sys.exit(main())
