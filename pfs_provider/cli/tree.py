"""The tree of commands: ``pfs VERB NOUN``, and ``pfs VERB-NOUN`` as it was in 1.x.

Invariant: a verb is a group, a noun a command in it; modules by noun register there.
Must not know: what any command does.
"""

from typing import Any

import typer
from typer.core import TyperGroup

__all__ = [
    "app",
    "copy",
    "create",
    "delete",
    "diff",
    "draw",
    "find",
    "finish",
    "get",
    "glob",
    "inspect",
    "job",
    "list_",
    "next_",
    "put",
    "rerun",
    "restart",
    "resume",
    "serve",
    "squash",
    "start",
    "step",
    "stop",
    "subscribe",
    "update",
    "validate",
    "wait",
]


class Verbs(TyperGroup):
    """The root: splits ``create-pipeline`` into its verb and its noun."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click moved into typer at 0.26: no name fits both
        """Return the command that the arguments begin with.

        ``run`` takes a pipeline's name, so ``run pipeline NAME`` and ``run cron NAME`` are other
        commands only where a name follows.
        """
        match args:
            case ["run", ("pipeline" | "cron"), name, *_] if not name.startswith("-"):
                args = [f"run-{args[1]}", *args[2:]]
        verb, hyphen, noun = args[0].partition("-")
        group = self.commands.get(verb)
        if hyphen and noun in getattr(group, "commands", {}):
            args = [verb, noun, *args[1:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="pfs",
    cls=Verbs,
    help="Versioned data and data-driven pipelines. An address is [PROJECT/]REPO@BRANCH[:/PATH]; "
    "a commit id may stand where the branch does, ^ means the parent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _verb(name: str, text: str) -> typer.Typer:
    group = typer.Typer(
        name=name,
        help=text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.add_typer(group)
    return group


create = _verb("create", "Make a project, repo, branch or pipeline.")
update = _verb("update", "Give a pipeline a new version.")
delete = _verb("delete", "Delete a thing.")
list_ = _verb("list", "List things.")
inspect = _verb("inspect", "Show one thing.")
start = _verb("start", "Start a commit, pipeline or transaction.")
finish = _verb("finish", "Finish a commit or transaction.")
stop = _verb("stop", "Stop a job or pipeline; leave a transaction.")
resume = _verb("resume", "Go on with a transaction.")
squash = _verb("squash", "Remove commits, keep their data.")
put = _verb("put", "Put files.")
get = _verb("get", "Get files.")
copy = _verb("copy", "Copy files, without moving bytes.")
diff = _verb("diff", "Compare commits.")
glob = _verb("glob", "Find files by a pattern.")
find = _verb("find", "Find the commits that changed a path.")
wait = _verb("wait", "Wait for a commit or job.")
subscribe = _verb("subscribe", "Follow a branch.")
rerun = _verb("rerun", "Run a pipeline once more.")
restart = _verb("restart", "Restart datums at work.")
validate = _verb("validate", "Check a pipeline's spec.")
next_ = _verb("next", "Ask for the next datum, as user code that stays up.")
draw = _verb("draw", "Draw the graph of pipelines.")
job = _verb("job", "Plan, work, finish: the three steps of a job, for schedulers.")
step = _verb("step", "What the steps of a workflow do, for schedulers.")
serve = _verb("serve", "Serve what other programs ask for.")
