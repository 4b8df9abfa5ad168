"""How much of a datum's log is kept, and which variables' values are never in it.

Pure. Must not know: where a value comes from, who runs the job.
"""

import re
from dataclasses import dataclass

from pfs_provider.spec.model import PipelineSpec

__all__ = ["MAX_LOG_BYTES", "LogRules", "is_secret_name", "masked_variables"]

MAX_LOG_BYTES = 64 << 20
"""Of one datum, unless the settings say otherwise."""
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*PASSWORD|PASSWD|PASSPHRASE|SECRETS?|TOKEN|CREDENTIALS?|APIKEY"
    r"|(?:API|ACCESS|PRIVATE|SECRET|ENCRYPTION)_KEY)(?:_|$)"
)
"""Whole words between underscores: ``TOKENIZER`` and ``MAX_TOKENS`` are no secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRules:
    """What the settings say of logs. ``masked`` are names of variables of user code."""

    max_bytes: int = MAX_LOG_BYTES
    masked: tuple[str, ...] = ()


def is_secret_name(name: str) -> bool:
    """Return whether a variable of this name holds a secret, by its words."""
    return _SECRET_NAME.search(name.upper()) is not None


def masked_variables(spec: PipelineSpec, rules: LogRules) -> list[str]:
    """Return the variables of a pipeline whose values its logs must not show, sorted."""
    secrets = {secret.env_var for secret in spec.transform.secrets if secret.env_var}
    return sorted({*secrets, *filter(is_secret_name, spec.transform.env), *rules.masked})
