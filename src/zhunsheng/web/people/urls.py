from django.contrib.auth.views import LogoutView
from django.urls import path

from zhunsheng.web.people import views

app_name = "people"
urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.account, name="account"),
    path("account/password/", views.password, name="password"),
    path("people/", views.offices, name="offices"),
    path("people/offices/<int:pk>/", views.office, name="office"),
    path("people/responsibility/", views.responsibility, name="responsibility"),
    path("people/responsibility/who/", views.who, name="who"),
    path("people/responsibility/add/", views.add_duty, name="add_duty"),
    path("people/responsibility/<int:pk>/", views.duty, name="duty"),
    path("people/responsibility/<int:pk>/end/", views.end_duty, name="end_duty"),
    path("people/responsibility/<slug:code>/<slug:link>/", views.cell, name="cell"),
    path("people/roles/", views.roles, name="roles"),
    path("people/users/", views.users, name="users"),
    path("people/new-user/", views.add_user, name="add_user"),
    path("people/users/<str:username>/", views.user, name="user"),
    path("people/users/<str:username>/edit/", views.edit_user, name="edit_user"),
    path("people/users/<str:username>/password/", views.reset_password, name="reset_password"),
    path("people/users/<str:username>/deactivate/", views.deactivate_user, name="deactivate_user"),
    path("people/users/<str:username>/reactivate/", views.reactivate_user, name="reactivate_user"),
    path("people/users/<str:username>/posts/add/", views.add_post, name="add_post"),
    path("people/posts/<int:pk>/end/", views.end_post, name="end_post"),
    path("people/posts/<int:pk>/delegate/", views.delegate_post, name="delegate_post"),
]
