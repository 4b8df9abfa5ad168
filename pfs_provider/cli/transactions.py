"""Commands over transactions: several acts as one change.

After ``pfs start transaction`` the commands that follow are part of it, until it is finished,
deleted or left.
"""

from typing import Annotated

import typer

from pfs_provider.cli.options import FullTimesOption, OutputOption
from pfs_provider.cli.session import (
    enter_transaction,
    find_transaction,
    leave_transaction,
    open_pfs,
)
from pfs_provider.cli.show import Output, show, show_all, show_id
from pfs_provider.cli.tree import delete, finish, inspect, list_, resume, start, stop
from pfs_provider.errors import ConflictError, ErrorCode, NotFoundError

__all__ = [
    "delete_transaction",
    "finish_transaction",
    "inspect_transaction",
    "list_transaction",
    "resume_transaction",
    "start_transaction",
    "stop_transaction",
]

IdArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Which. [default: the one you are in]")
]


@start.command("transaction")
def start_transaction(output: OutputOption = Output.TEXT) -> None:
    """Begin a transaction and print its id; what you ask for next is done when it is finished."""
    current = find_transaction()
    if current is not None:
        raise ConflictError(
            ErrorCode.IN_USE,
            f"you are in transaction {current}: finish, delete or leave it (pfs stop transaction)",
            id=current,
        )
    with open_pfs() as pfs:
        started = pfs.start_transaction()
    enter_transaction(started.id)
    show_id(started, output)


@finish.command("transaction")
def finish_transaction(name: IdArgument = None, output: OutputOption = Output.TEXT) -> None:
    """Do all that was asked for, as one change or not at all, and print its id."""
    chosen = _chosen(name)
    with open_pfs() as pfs:
        done = pfs.finish_transaction(chosen)
    _leave(chosen)
    show_id(done, output)


@delete.command("transaction")
def delete_transaction(name: IdArgument = None) -> None:
    """Forget a transaction; nothing of it happens."""
    chosen = _chosen(name)
    with open_pfs() as pfs:
        pfs.delete_transaction(chosen)
    _leave(chosen)


@stop.command("transaction")
def stop_transaction() -> None:
    """Leave a transaction without ending it."""
    _chosen(None)
    leave_transaction()


@resume.command("transaction")
def resume_transaction(
    name: Annotated[str, typer.Argument(metavar="ID", help="Which.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Go on with a transaction that was left."""
    with open_pfs() as pfs:
        found = pfs.inspect_transaction(name)
    enter_transaction(found.id)
    show_id(found, output)


@list_.command("transaction")
def list_transaction(
    output: OutputOption = Output.TEXT, full_timestamps: FullTimesOption = False
) -> None:
    """List the transactions that are not finished, oldest first."""
    with open_pfs() as pfs:
        show_all(pfs.list_transactions(), output, full_times=full_timestamps)


@inspect.command("transaction")
def inspect_transaction(name: IdArgument = None, output: OutputOption = Output.TEXT) -> None:
    """Show a transaction with what was asked for."""
    chosen = _chosen(name)
    with open_pfs() as pfs:
        show(pfs.inspect_transaction(chosen), output)


def _chosen(name: str | None) -> str:
    chosen = name or find_transaction()
    if chosen is None:
        raise NotFoundError(
            ErrorCode.TRANSACTION_NOT_FOUND,
            "you are in no transaction: name one (pfs list transaction), or start one",
        )
    return chosen


def _leave(ended: str) -> None:
    if find_transaction() == ended:
        leave_transaction()
