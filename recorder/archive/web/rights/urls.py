"""The addresses of the rights desk."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
