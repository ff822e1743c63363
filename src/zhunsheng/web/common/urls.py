from django.urls import path

from zhunsheng.web.common import views

app_name = "common"
urlpatterns = [path("styleguide/", views.styleguide, name="styleguide")]
