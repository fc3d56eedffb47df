"""The addresses of meetings and recordings."""

from django.urls import path

from recorder.archive.web.meetings import views

urlpatterns = [
    path("meetings/", views.meetings, name="meetings"),
    path("meetings/<str:recording>/case/", views.link, name="link"),
    path("find/", views.find, name="find"),
    path("recordings/<str:recording>/", views.recording, name="recording"),
    path("recordings/<str:recording>/statement/", views.attach, name="attach"),
    path("recordings/<str:recording>/decision/", views.decide, name="decide"),
]
