"""The addresses of what is decided."""

from django.urls import path

from recorder.archive.web.policy import views

urlpatterns = [
    path("policy/", views.policy, name="policy"),
    path("policy/propose/", views.propose, name="policy-propose"),
    path("policy/versions/<int:number>/", views.version, name="policy-version"),
    path("policy/versions/<int:number>/confirm/", views.confirm, name="policy-confirm"),
    path("policy/versions/<int:number>/drop/", views.drop, name="policy-drop"),
    path("policy/<str:kind>/", views.shown, name="policy-document"),
    path("policy/<str:kind>/download/", views.download, name="policy-download"),
]
