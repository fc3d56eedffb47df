"""The addresses of meetings and recordings."""

from django.urls import path

from recorder.archive.web.meetings import claiming, views

urlpatterns = [
    path("meetings/", views.meetings, name="meetings"),
    path("meetings/<str:recording>/case/", views.link, name="link"),
    path("meetings/<str:recording>/wrong/", claiming.dispute, name="dispute"),
    path("disputes/", claiming.disputes, name="disputes"),
    path("disputes/<int:number>/", claiming.settle, name="settle"),
    path("find/", views.find, name="find"),
    path("recordings/<str:recording>/", views.recording, name="recording"),
    path("recordings/<str:recording>/case/", claiming.relink, name="relink"),
    path("recordings/<str:recording>/back/", claiming.unlink, name="unlink"),
    path("recordings/<str:recording>/statement/", views.attach, name="attach"),
    path("recordings/<str:recording>/decision/", views.decide, name="decide"),
]
