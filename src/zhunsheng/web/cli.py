"""The commands that need the platform: demo, init, serve, manage."""

import os
import sys


def run(name: str, argv: list[str]) -> int:
    """Runs one command; returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhunsheng.web.settings")
    from django.core.management import execute_from_command_line

    if name == "manage":
        execute_from_command_line(["zhunsheng manage", *argv])
        return 0
    execute_from_command_line(["zhunsheng manage", name, *argv])
    return 0


if __name__ == "__main__":
    sys.exit(run("manage", sys.argv[1:]))
