"""The addresses of the API, and of the page where its tokens are made."""

from django.urls import path

from recorder.archive.web.api import views
from recorder.archive.web.api.calls import api

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token>/confirm/", views.confirm, name="confirm_token"),
    path("tokens/<int:token>/revoke/", views.revoke, name="revoke_token"),
    path("api/v1/", api.urls),
]
