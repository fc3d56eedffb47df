"""The addresses of the rights desk."""

from django.urls import path

from recorder.archive.web.rights import copy_views, disclosure_views, flag_views, second_views, views

urlpatterns = [
    path("rights/", views.desk, name="rights"),
    path("rights/find/", views.find_recording, name="find_recording"),
    path("rights/recordings/<str:recording>/", views.open_one, name="open_request"),
    path("rights/requests/<uuid:number>/", views.one, name="request"),
    path("rights/requests/<uuid:number>/decide/", views.decide, name="decide_request"),
    path("rights/requests/<uuid:number>/extend/", views.extend, name="extend"),
    path("rights/requests/<uuid:number>/withdraw/", views.withdraw, name="withdraw"),
    path("rights/requests/<uuid:number>/misentered/", views.misentered, name="misentered"),
    path("rights/requests/<uuid:number>/letter-<str:language>.pdf", views.letter, name="letter"),
    path("rights/requests/<uuid:number>/end-<str:language>.pdf", views.end_letter, name="end_letter"),
    path("rights/requests/<uuid:number>/masks/", copy_views.masks, name="masks"),
    path("rights/requests/<uuid:number>/masks/<int:mask>/", copy_views.unmask, name="unmask"),
    path("rights/requests/<uuid:number>/copy/", copy_views.copy, name="make_copy"),
    path("rights/copies/<uuid:number>/", copy_views.handing, name="copy"),
    path("rights/copies/<uuid:number>/file/", copy_views.download, name="download_copy"),
    path("rights/restrictions/<int:restriction>/", views.lift, name="lift"),
    path("rights/restrictions/<int:restriction>/again/", views.look_again, name="look_again"),
    path("second-look/", second_views.second_looks, name="second_looks"),
    path("second-look/<uuid:number>/", second_views.second_look, name="second_look"),
    path("second-look/<uuid:number>/confirm/", second_views.confirm, name="confirm_request"),
    path("second-look/<uuid:number>/decline/", second_views.decline, name="decline_request"),
    path("disclosures/", disclosure_views.disclosures, name="disclosures"),
    path("disclosures/of/<str:recording>/", disclosure_views.disclose, name="disclose"),
    path("disclosures/<uuid:number>/", disclosure_views.disclosure, name="disclosure"),
    path("disclosures/<uuid:number>/judge/", disclosure_views.judge, name="judge_disclosure"),
    path("disclosures/<uuid:number>/masks/", copy_views.disclosure_masks, name="disclosure_masks"),
    path("disclosures/<uuid:number>/masks/<int:mask>/", copy_views.disclosure_unmask, name="disclosure_unmask"),
    path("disclosures/<uuid:number>/copy/", copy_views.disclosed_copy, name="disclosed_copy"),
    path("do-not-record/", flag_views.check, name="flags"),
    path("do-not-record/set/", flag_views.put, name="put_flag"),
    path("do-not-record/lift/", flag_views.lift, name="lift_flag"),
]
