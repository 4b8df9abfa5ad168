"""``python -m pfs_provider.cli`` is ``pfs``."""

from pfs_provider.cli.main import main

if __name__ == "__main__":
    main()
