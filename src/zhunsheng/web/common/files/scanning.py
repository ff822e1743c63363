"""The quarantine hook: a program of the operator's, such as a virus scanner, looks at a file before it is kept."""

import logging
import shlex
import subprocess
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused

SECONDS = 120
_log = logging.getLogger(__name__)


def scan(path: Path) -> None:
    """Runs ZHUNSHENG_SCANNER with the file's path. 0: clean. 1: refused, and the file is not kept. Anything else, or no
    answer in two minutes: the file was not looked at, so it is not kept either. Raises Refused.
    """
    if not settings.SCANNER:
        return
    try:
        done = subprocess.run(  # noqa: S603 - the command is the operator's own setting, and no shell reads it
            [*shlex.split(settings.SCANNER), str(path)], capture_output=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        _log.error("the scanner could not be run: %s", problem)
        raise _not_looked_at() from None
    if done.returncode == 1:
        _log.warning("the scanner refused a file: %s", done.stdout[:300].decode(errors="replace").strip())
        raise Refused(_("安全检查没有通过，文件没有收下。请用杀毒软件检查您的电脑"))
    if done.returncode:
        _log.error("the scanner failed (%s): %s", done.returncode, done.stderr[:300].decode(errors="replace").strip())
        raise _not_looked_at()


def _not_looked_at() -> Refused:
    return Refused(_("安全检查现在做不了，文件没有收下。请稍后再试，或告诉管理员"))
