import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from pfs_provider.pfs import Pfs
from tests.unit.cli.runner import Cli


def test_the_catalog_s_metrics_are_served_until_it_is_told_to_stop(pfs_home: Path) -> None:
    with Pfs(home=pfs_home) as pfs:
        pfs.create_repo("images")
    process = subprocess.Popen(
        [sys.executable, "-m", "pfs_provider.cli", "serve", "metrics", "--port", "0"],
        env=os.environ | {"PFS_HOME": str(pfs_home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stdout.readline())
        assert found is not None
        with urllib.request.urlopen(found[0], timeout=10) as answer:
            text = answer.read().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(10)
        process.stdout.close()

    assert "pfs_up 1.0" in text
    assert 'pfs_repo_size_bytes{project="default",repo="images"} 0.0' in text
    assert code == 143


def test_a_port_that_is_taken_is_one_clear_error(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = cli("serve", "metrics", "--port", port)

    assert done.code == 5
    assert port in done.err
