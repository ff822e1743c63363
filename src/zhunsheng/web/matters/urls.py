"""The addresses of the matters room: /matters/ for staff, /complain/ and its kin for the public, /firm/matters/ for firms."""

from django.urls import URLPattern

app_name = "matters"

urlpatterns: list[URLPattern] = []
