"""The addresses of holds and deletions."""

from django.urls import path

from recorder.archive.web.holds import views

urlpatterns = [
    path("holds/", views.holds, name="holds"),
    path("holds/<int:number>/", views.hold, name="hold"),
    path("holds/<int:number>/confirm/", views.confirm, name="confirm_hold"),
    path("holds/<int:number>/refuse/", views.refuse, name="refuse_hold"),
    path("holds/<int:number>/end/", views.end, name="end_hold"),
    path("deletions/", views.preview, name="deletions"),
    path("deletions/certificate/", views.find_certificate, name="find_certificate"),
    path("deletions/<str:recording>/", views.deletion, name="deletion"),
    path("deletions/<str:recording>/certificate/", views.certificate, name="certificate"),
    path("recordings/<str:recording>/hold/", views.place, name="place_hold"),
]
