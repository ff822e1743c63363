from django.urls import include, path

from zhunsheng.web.desk import views

app_name = "desk"
urlpatterns = [
    path("desk/", views.home, name="home"),
    path("desk/notices/", views.notices, name="notices"),
    path("desk/notices/read/", views.read_notices, name="read_notices"),
    path("desk/notices/<int:pk>/", views.open_notice, name="notice"),
    path("desk/views/", views.saved_views, name="saved_views"),
    path("desk/views/save/", views.save_view, name="save_view"),
    path("desk/views/<int:pk>/delete/", views.delete_view, name="delete_view"),
    path("desk/preferences/", views.preferences, name="preferences"),
    path("desk/preferences/calendar/open/", views.open_calendar, name="open_calendar"),
    path("desk/preferences/calendar/close/", views.close_calendar, name="close_calendar"),
    path("desk/calendar/<str:token>.ics", views.calendar_feed, name="calendar"),
    path("desk/background/", views.background, name="background"),
    path("desk/background/<int:pk>/", views.delivery, name="delivery"),
    path("desk/background/<int:pk>/resend/", views.resend, name="resend"),
    path("desk/bulk/<int:pk>/", views.bulk_run, name="bulk_run"),
    path("desk/bulk/<int:pk>/discard/", views.bulk_discard, name="bulk_discard"),
    path("desk/bulk/start/<str:key>/", views.bulk_start, name="bulk_start"),
    path("desk/search/", views.search, name="search"),
    path("", include("zhunsheng.web.desk.attachments.urls")),
    path("", include("zhunsheng.web.desk.importing.urls")),
]
