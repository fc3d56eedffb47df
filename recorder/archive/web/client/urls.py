"""The addresses of the client's page. No code stands in any of them: a QR has it behind the #, which no browser sends."""

from django.urls import path

from recorder.archive.web.client import views

urlpatterns = [
    path("c/", views.client, name="client"),
    path("c/ask/", views.ask, name="client_ask"),
    path("c/file/", views.file, name="client_file"),
    path("recordings/<str:recording>/card/", views.card, name="client_card"),
]
