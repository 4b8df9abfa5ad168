"""What a task is given by Airflow, as far as our operators use it."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["AssetState", "State", "TaskInstance", "task_context"]


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


def task_context(**overrides: Any) -> Any:
    return {
        "ti": TaskInstance(),
        "task_state_store": State(),
        "asset_state_store": AssetState(),
    } | overrides
