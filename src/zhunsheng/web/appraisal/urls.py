from django.urls import path

from zhunsheng.web.appraisal import views

app_name = "appraisal"
urlpatterns = [
    path("appraisal/", views.scoreboard, name="scoreboard"),
    path("appraisal/targets/<str:code>/", views.target, name="target"),
    path("appraisal/figures/<str:code>/", views.figure, name="figure"),
    path("appraisal/snapshots/", views.snapshots, name="snapshots"),
    path("appraisal/snapshots/new/", views.freeze, name="freeze"),
    path("appraisal/snapshots/<str:no>/", views.snapshot, name="snapshot"),
    path("appraisal/snapshots/<str:no>/decide/", views.decide, name="decide"),
]
