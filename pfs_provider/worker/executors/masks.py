"""Hides secrets in a stream: every place where one stands becomes ``***``.

Invariants: where the stream is cut into blocks makes no difference; what is held back is at most
the beginning of one secret. Must not know: where secrets come from, what becomes of the stream.
"""

import re
from collections.abc import Iterable

__all__ = ["MASK", "MIN_SECRET_BYTES", "Masker", "find_secrets"]

MASK = b"***"
MIN_SECRET_BYTES = 5
"""Shorter ones are left alone: a password ``1`` would eat every number. Airflow's limit, too."""


def find_secrets(values: Iterable[str]) -> tuple[bytes, ...]:
    """Return what has to be hidden of secret values, longest first.

    A value of several lines, such as a private key, is hidden as a whole and line by line: programs
    print such a thing with something in front of each line.
    """
    found: set[bytes] = set()
    for value in values:
        found |= {os_bytes(part) for part in (value, value.strip(), *value.splitlines())}
    return tuple(
        sorted((one for one in found if len(one) >= MIN_SECRET_BYTES), key=lambda s: (-len(s), s))
    )


def os_bytes(text: str) -> bytes:
    """Return a variable's value as a process sees it."""
    return text.encode(errors="surrogateescape")


class Masker:
    """Hides secrets in one stream. One thread uses it.

    Args:
        secrets: What to hide, none of them empty.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted(set(secrets), key=len, reverse=True)
        self._longest = max(map(len, self._secrets), default=0)
        # Longest first: an alternation takes the first of its words that fits.
        self._whole = re.compile(b"|".join(map(re.escape, self._secrets)))
        firsts = b"".join(sorted({re.escape(secret[:1]) for secret in self._secrets}))
        self._start = re.compile(b"[" + firsts + b"]", re.DOTALL) if firsts else None
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Return what may be shown of the stream so far, beyond what was returned before."""
        if self._start is None:
            return data
        data = self._held + data
        shown: list[bytes] = []
        at = 0
        while True:
            held = self._find_beginning(data, at)
            # A secret that begins at or after it may turn out to be a longer one.
            match = self._whole.search(data, at)
            if match is None or match.start() >= held:
                break
            shown += [data[at : match.start()], MASK]
            at = match.end()
        self._held = data[held:]
        shown.append(data[at:held])
        return b"".join(shown)

    def end(self) -> bytes:
        """Return what was held back: the stream has ended."""
        held, self._held = self._held, b""
        return self._whole.sub(MASK, held) if held else held

    def _find_beginning(self, data: bytes, at: int) -> int:
        """Return where the data may go on as a secret that it does not hold whole, or its end."""
        assert self._start is not None  # noqa: S101 take() asked
        start = max(at, len(data) - self._longest + 1)
        for match in self._start.finditer(data, start):
            rest = data[match.start() :]
            if any(len(rest) < len(one) and one.startswith(rest) for one in self._secrets):
                return match.start()
        return len(data)
