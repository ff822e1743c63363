app_name = "public_log"
urlpatterns = []
