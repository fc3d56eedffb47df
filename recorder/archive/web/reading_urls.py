"""The addresses of the reading room, for the pages alone."""

from django.urls import path

from recorder.archive.web.listening import serving

urlpatterns = [
    path("permits/<uuid:permit>/opened", serving.opened),
    path("permits/<uuid:permit>/audio", serving.audio),
    path("permits/<uuid:permit>/waveform", serving.waveform),
]
