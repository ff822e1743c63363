"""A home of their own for the tests, before Django reads its settings: a developer's database, key and uploads stay untouched.

Loaded as a plugin (`-p tests.home`), since pytest-django reads the settings before any conftest.
"""

import os
import tempfile
from pathlib import Path

home = Path(tempfile.mkdtemp(prefix="zhunsheng-test-"))
(home / "static").mkdir()
os.environ["ZHUNSHENG_HOME"] = str(home)
os.environ["ZHUNSHENG_DEBUG"] = "0"
os.environ.setdefault("ZHUNSHENG_SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests")

# The key that signs the public log. It is no secret: everybody may read it here.
(home / "keys").mkdir()
(home / "keys" / "log.key").write_text(
    "PRIVATE+KEY+zhunsheng/log/test+f80e876e+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
)
