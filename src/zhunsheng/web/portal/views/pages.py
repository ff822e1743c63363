"""Pages that are only words: accessibility and privacy."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from zhunsheng.web.portal.views.serving import public


@public
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/accessibility.html")


@public
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/privacy.html", {
        "session_minutes": settings.SESSION_COOKIE_AGE // 60, "language_days": settings.LANGUAGE_COOKIE_AGE // 86400,
        "session_cookie": settings.SESSION_COOKIE_NAME, "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "language_cookie": settings.LANGUAGE_COOKIE_NAME,
    })  # fmt: skip
