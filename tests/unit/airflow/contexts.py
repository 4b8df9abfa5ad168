"""What a task is given by Airflow, as far as our operators use it."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["AssetState", "DagRun", "Outlets", "State", "TaskInstance", "task_context"]


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
    max_tries: int = 2
    pushed: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)  # what Airflow knows: run, state

    def get_ti_count(
        self,
        dag_id: str,
        task_ids: list[str],
        run_ids: list[str],
        states: list[str] | None = None,
    ) -> int:
        return self.get_dr_count(dag_id, run_ids, states)

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str] | None = None) -> int:
        found = [self.runs[run] for run in run_ids if run in self.runs]
        return sum(states is None or state in states for state in found)

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.pushed[key] = value


@dataclass
class DagRun:
    partition_key: str | None = None
    run_type: str = "asset_triggered"


@dataclass
class Outlets:
    """The events that a task is about to make; every asset has the same here."""

    partition_keys: list[str] = field(default_factory=list)

    def add_partitions(self, keys: list[str]) -> None:
        self.partition_keys.extend(keys)

    def __getitem__(self, asset: object) -> "Outlets":
        return self


def task_context(**overrides: Any) -> Any:
    return {
        "ti": TaskInstance(),
        "dag_run": DagRun(),
        "outlet_events": Outlets(),
        "task_state_store": State(),
        "asset_state_store": AssetState(),
    } | overrides
