"""The addresses of listening."""

from django.urls import path

from recorder.archive.web.listening import views

urlpatterns = [
    path("recordings/<str:recording>/hear/", views.hear, name="hear"),
    path("listen/<uuid:permit>/", views.listen, name="listen"),
    path("listen/<uuid:permit>/audio/", views.audio, name="audio"),
    path("listen/<uuid:permit>/waveform/", views.waveform, name="waveform"),
]
