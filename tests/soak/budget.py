"""How many kills are left, where they have struck, and how long phases last."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Budget"]

FIRST_GUESS_S = {"put": 0.3, "plan": 0.2, "work": 1.5, "finish": 0.2, "between": 0.3}


@dataclass(slots=True)
class Budget:
    """Kills that all rounds of a pairing share."""

    n_left: int
    deadline: float
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    lengths: dict[str, float] = field(default_factory=lambda: dict(FIRST_GUESS_S))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_spent(self) -> bool:
        """Whether nobody is to be killed any more."""
        return self.n_left <= 0 or time.monotonic() > self.deadline

    @property
    def n_kills(self) -> int:
        """Kills so far; who was only frozen is none."""
        return sum(n for (_, victim), n in self.kills.items() if "frozen" not in victim)

    def take(self) -> bool:
        """Return whether there is one more to do, which is counted as done then."""
        with self._lock:
            if self.is_spent:
                return False
            self.n_left -= 1
            return True

    def put_back(self) -> None:
        """Say that a kill that was taken did not happen."""
        with self._lock:
            self.n_left += 1

    def note(self, phase: str, victim: str) -> None:
        """Count who was struck, and where."""
        with self._lock:
            self.kills[phase, victim] += 1

    def note_length(self, phase: str, seconds: float) -> None:
        """Learn how long a phase lasts that nobody cut short."""
        with self._lock:
            self.lengths[phase] = 0.7 * self.lengths[phase] + 0.3 * seconds
