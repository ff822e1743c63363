from django.urls import path, re_path

from zhunsheng.web.desk.importing import views

urlpatterns = [
    path("desk/imports/", views.home, name="imports"),
    path("desk/imports/new/<slug:code>/", views.upload, name="import_upload"),
    re_path(r"^desk/imports/template/(?P<code>[\w-]+)\.(?P<form>csv|xlsx)$", views.template, name="import_template"),
    path("desk/imports/<int:pk>/", views.run_page, name="import_run"),
    path("desk/imports/<int:pk>/columns/", views.columns, name="import_columns"),
    path("desk/imports/<int:pk>/load/", views.load, name="import_load"),
    path("desk/imports/<int:pk>/discard/", views.discard, name="import_discard"),
    path("desk/imports/<int:pk>/mapping.toml", views.mapping_file, name="import_mapping"),
    re_path(r"^desk/imports/(?P<pk>\d+)/returned\.(?P<form>csv|xlsx)$", views.returned, name="import_returned"),
]
