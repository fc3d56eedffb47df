"""All addresses of the pages. Each view says which action of `recorder.archive.access` it is, or that it is for everybody."""

from django.urls import include, path

from recorder.archive.web import views, waiting

APPS = ("people", "trail", "meetings", "listening", "holds", "rights", "policy", "client", "rooms", "training", "api")

urlpatterns = [
    path("", views.start, name="start"),
    path("language/", views.language, name="language"),
    path("waiting/", waiting.waiting, name="waiting"),
    *(path("", include(f"recorder.archive.web.{app}.urls")) for app in APPS),
]
handler400 = "recorder.archive.web.views.not_understood"
handler403 = "recorder.archive.web.views.forbidden"
handler404 = "recorder.archive.web.views.not_found"
handler429 = "recorder.archive.web.views.too_often"
handler500 = "recorder.archive.web.views.broken"
