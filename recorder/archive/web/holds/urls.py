"""The addresses of holds and deletions."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
