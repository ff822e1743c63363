from django.urls import path

from zhunsheng.web.desk.attachments import views

urlpatterns = [
    path("desk/attachments/<int:pk>/", views.attachment, name="attachment"),
    path("desk/attachments/<int:pk>/thumbnail/", views.thumbnail, name="attachment_thumbnail"),
]
