"""From a finished commit to an output commit: plan, work queue, finish, memo, launchers."""
