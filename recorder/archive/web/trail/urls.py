"""The addresses of the audit trail."""

from django.urls import path

from recorder.archive.web.trail import breach, views

urlpatterns = [
    path("audit/", views.audit, name="audit"),
    path("audit/check/", views.check, name="audit-check"),
    path("audit/export/", views.export, name="audit-export"),
    path("audit/checkpoints/", views.checkpoints, name="audit-checkpoints"),
    path("breach/", breach.breach, name="breach"),
    path("breach/export/", breach.export, name="breach-export"),
]
