"""The addresses of the rooms."""

from django.urls import path

from recorder.archive.web.rooms import views

urlpatterns = [
    path("rooms/", views.rooms, name="rooms"),
    path("rooms/<str:name>/", views.room, name="room"),
]
