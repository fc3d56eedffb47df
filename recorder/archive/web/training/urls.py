"""The addresses of training."""

from django.urls import path

from recorder.archive.web.training import consent_views, views

urlpatterns = [
    path("training/", views.training, name="training"),
    path("training/recordings/<str:recording>/", views.cut, name="cut"),
    path("training/fragments/<uuid:number>/", views.fragment, name="fragment"),
    path("training/fragments/<uuid:number>/approve/", views.approve, name="approve_fragment"),
    path("training/listen/<uuid:permit>/", views.hear, name="hear_fragment"),
    path("training/listen/<uuid:permit>/audio/", views.audio, name="fragment_audio"),
    path("rights/recordings/<str:recording>/training/", consent_views.consent, name="training_consent"),
    path("rights/recordings/<str:recording>/training/withdraw/", consent_views.withdraw, name="withdraw_training"),
]
