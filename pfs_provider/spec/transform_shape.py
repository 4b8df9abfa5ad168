"""The table of ``transform``: the user code and how it is called.

Must not know: how it is run.
"""

from pfs_provider.spec.kinds import Flag, ListOf, MapOf, Number, Words
from pfs_provider.spec.model import Secret, Transform
from pfs_provider.spec.shape import Field, Shape

__all__ = ["TRANSFORM"]

_MAX_CODE = 255
"""An exit code is one byte."""

_SECRET = Shape(
    Secret,
    (
        Field("name", Words("aws"), "The secret.", missing="name the secret"),
        Field("key", Words("token"), "The key in it; needed with env_var."),
        Field("mount_path", Words("/secrets"), "Folder for its files."),
        Field("env_var", Words("TOKEN"), "Environment variable for its value."),
    ),
)

TRANSFORM = Shape(
    Transform,
    (
        Field(
            "image", Words("python:3.12"), "The container's image; the executor's own by default."
        ),
        Field(
            "cmd",
            ListOf(Words()),
            "The command, a word each; no shell.",
            missing='write the command as a list of words, as in "cmd": ["python3", "/edges.py"]',
        ),
        Field(
            "stdin", ListOf(Words()), "Lines for its standard input; a newline is added to each."
        ),
        Field(
            "err_cmd",
            ListOf(Words()),
            "Runs after a failed try; its success makes the datum recovered.",
        ),
        Field("err_stdin", ListOf(Words()), "Lines for err_cmd's standard input."),
        Field("env", MapOf(Words()), "Environment variables."),
        Field("secrets", ListOf(_SECRET), "Kubernetes secrets as files or variables."),
        Field("image_pull_secrets", ListOf(Words()), "Secrets that pull the image."),
        Field(
            "accept_return_code",
            ListOf(Number(high=_MAX_CODE)),
            "Exit codes that mean success, besides 0.",
        ),
        Field("debug", Flag(), "More log lines.", inert="logs hold all that there is"),
        Field("user", Words("1000"), "Runs the command; the image's own by default."),
        Field(
            "working_dir", Words("/app"), "Where the command starts; the image's own by default."
        ),
        Field(
            "dockerfile",
            Words("Dockerfile"),
            "How the image was made.",
            inert="images are built elsewhere",
        ),
        Field("memory_volume", Flag(), "/pfs lies in memory."),
        Field(
            "datum_batching",
            Flag(),
            "The command stays up and asks for its datums: `pfs next datum`.",
        ),
        Field(
            "python_batching",
            Flag(),
            "The Python program in stdin is run for each datum, in one interpreter that stays up.",
        ),
    ),
)
