from typing import get_args

import pytest

from pfs_provider.cli import options


@pytest.mark.parametrize("name", options.__all__)
def test_every_shared_option_says_what_it_is(name: str) -> None:
    _, info = get_args(getattr(options, name))

    assert info.help or info.metavar
