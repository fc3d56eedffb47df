"""The addresses of policy and audit."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
