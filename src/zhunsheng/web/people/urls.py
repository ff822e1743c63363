from django.contrib.auth.views import LogoutView
from django.urls import path

from zhunsheng.web.people import views

app_name = "people"
urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.account, name="account"),
    path("account/password/", views.password, name="password"),
    path("offices/", views.offices, name="offices"),
    path("offices/<int:pk>/", views.office, name="office"),
    path("responsibility/", views.responsibility, name="responsibility"),
    path("responsibility/who/", views.who, name="who"),
    path("responsibility/add/", views.add_duty, name="add_duty"),
    path("responsibility/<int:pk>/", views.duty, name="duty"),
    path("responsibility/<int:pk>/end/", views.end_duty, name="end_duty"),
    path("responsibility/<slug:code>/<slug:link>/", views.cell, name="cell"),
    path("roles/", views.roles, name="roles"),
    path("users/", views.users, name="users"),
    path("users/add/", views.add_user, name="add_user"),
    path("users/<int:pk>/", views.user, name="user"),
    path("users/<int:pk>/edit/", views.edit_user, name="edit_user"),
    path("users/<int:pk>/password/", views.reset_password, name="reset_password"),
    path("users/<int:pk>/deactivate/", views.deactivate_user, name="deactivate_user"),
    path("users/<int:pk>/reactivate/", views.reactivate_user, name="reactivate_user"),
    path("users/<int:pk>/posts/add/", views.add_post, name="add_post"),
    path("posts/<int:pk>/end/", views.end_post, name="end_post"),
    path("posts/<int:pk>/delegate/", views.delegate_post, name="delegate_post"),
]
