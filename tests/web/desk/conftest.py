"""The inspecting bureau of the inspection room, for what the desk shows of it."""

from tests.web.inspection.conftest import bureau, staffed  # noqa: F401 - fixtures
