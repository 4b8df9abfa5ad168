"""What a task is given by Airflow, as far as our operators use it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["AssetEvent", "AssetState", "DagRun", "Events", "State", "TaskInstance", "task_context"]


@dataclass
class State:
    """Airflow's task and asset state stores: get, set, delete."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@dataclass
class AssetState(State):
    """An asset's state as a trigger asks for it; every asset has the same here."""

    async def aget(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = value

    def __getitem__(self, asset: object) -> "AssetState":
        return self


@dataclass
class TaskInstance:
    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "task"
    map_index: int | None = -1
    try_number: int = 1
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.pushed[key] = value


@dataclass
class DagRun:
    """A run, as a task of it and as an event that made it know it."""

    dag_id: str = "dag"
    run_id: str = "run"
    partition_key: str | None = None
    state: str = "running"


@dataclass
class AssetEvent:
    """What Airflow keeps of an announcement."""

    id: int
    partition_key: str | None
    extra: dict[str, Any]
    timestamp: datetime
    created_dagruns: list[DagRun] = field(default_factory=list)


@dataclass
class Outlet:
    extra: dict[str, Any] = field(default_factory=dict)
    partition_keys: list[str] = field(default_factory=list)

    def add_partitions(self, keys: list[str]) -> None:
        self.partition_keys.extend(keys)


@dataclass
class Events:
    """The events of all assets, as inlets and as outlets; ``store`` is a task's success."""

    kept: list[AssetEvent] = field(default_factory=list)
    outlet: Outlet = field(default_factory=Outlet)

    def store(self) -> list[str]:
        keys, self.outlet, extra = self.outlet.partition_keys, Outlet(), self.outlet.extra
        for key in keys:
            now = datetime.now(UTC)
            self.kept.append(AssetEvent(len(self.kept), key, extra, now))
        return keys

    def __getitem__(self, asset: object) -> "Query":
        return Query(self.kept)


@dataclass
class Outlets:
    events: Events

    def __getitem__(self, asset: object) -> Outlet:
        return self.events.outlet


@dataclass
class Query:
    """As Airflow's accessor of the events of an inlet."""

    events: list[AssetEvent]

    def after(self, moment: str) -> "Query":
        since = datetime.fromisoformat(moment)
        return Query([event for event in self.events if event.timestamp >= since])

    def ascending(self, ascending: bool = True) -> "Query":
        return Query(sorted(self.events, key=lambda event: event.timestamp, reverse=not ascending))

    def limit(self, limit: int) -> "Query":
        return Query(self.events[:limit])

    def __iter__(self) -> Iterator[AssetEvent]:
        return iter(self.events)


def task_context(events: Events | None = None, **overrides: Any) -> Any:
    known = events or Events()
    return {
        "ti": TaskInstance(),
        "dag_run": DagRun(),
        "inlet_events": known,
        "outlet_events": Outlets(known),
        "task_state_store": State(),
        "asset_state_store": AssetState(),
    } | overrides
