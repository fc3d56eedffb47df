"""The addresses of the reading room, for the pages alone."""

from django.urls import path

from recorder.archive.web.listening import serving
from recorder.archive.web.rights import copy_serving
from recorder.archive.web.training import serving as fragments

urlpatterns = [
    path("permits/<uuid:permit>/opened", serving.opened),
    path("permits/<uuid:permit>/audio", serving.audio),
    path("permits/<uuid:permit>/waveform", serving.waveform),
    path("copies/<uuid:permit>", copy_serving.copy),
    path("fragments/<uuid:fragment>/made", fragments.made),
    path("fragment-permits/<uuid:permit>/opened", fragments.opened),
    path("fragment-permits/<uuid:permit>/audio", fragments.audio),
]
