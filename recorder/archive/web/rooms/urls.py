"""The addresses of the rooms."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
