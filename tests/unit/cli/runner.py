"""Runs the program in this process: arguments in; exit code, output and errors out."""

import io
import json
import signal
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from pfs_provider.cli.main import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cli:
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *args: str, stdin: bytes = b"") -> Done:
        before = signal.getsignal(signal.SIGTERM)
        out, err, given = (
            io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", write_through=True)
            for data in (b"", b"", stdin)
        )
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["pfs", *args])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", given)
            with pytest.raises(SystemExit) as end:
                main()
        signal.signal(signal.SIGTERM, before)
        texts = [stream.detach().getvalue().decode() for stream in (out, err)]
        assert isinstance(end.value.code, int)
        return Done(code=end.value.code, out=texts[0], err=texts[1])

    def ok(self, *args: str, stdin: bytes = b"") -> Done:
        done = self(*args, stdin=stdin)
        assert done.code == 0, done.err
        return done
