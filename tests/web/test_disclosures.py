"""A copy for somebody else: two people, a time, and masks that the second one sees (P3, S3)."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.test import Client

from recorder.archive.access import Role
from recorder.archive.web.forgotten import forgotten
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.models import DISCLOSURE_DAYS, CopyPermit, Disclosure, Mask
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.test_rights import lines

SignIn = Callable[[Person], Client]
ENGLISH = {"Accept-Language": "en"}
MASK = {"start": "0:01", "stop": "0:02", "whom": "een buurvrouw", "reason": "Zij is niet gevraagd"}
COPY = {"given_to": "bode", "language": "nl", "sure": "on"}


class Site(NamedTuple):
    desk: Client
    officer: Client
    where: str
    """The address of a disclosure that waits."""

    @property
    def disclosure(self) -> Disclosure:
        return Disclosure.objects.get()

    def confirm(self, answer: str = "yes") -> None:
        """As the officer, with what their page shows now."""
        masks = self.officer.get(self.where).context["masks_seen"]
        self.officer.post(f"{self.where}judge/", {"confirmed": answer, "masks": masks})


@pytest.fixture
def site(archive: Archive, make: Make, sign_in: SignIn) -> Site:
    desk, officer = sign_in(make(Role.RIGHTS_DESK)), sign_in(make(Role.PRIVACY_OFFICER, name="second"))
    recording = archive.record().id
    data = {"to": "De rechtbank", "ground": "duty", "words": "Artikel 1 van een wet"}
    assert 'role="alert"' in desk.post(f"/disclosures/of/{recording}/", data | {"ground": "x"}).content.decode()
    where = desk.post(f"/disclosures/of/{recording}/", data).headers["Location"]
    assert officer.get(f"/disclosures/of/{recording}/").status_code == 403
    return Site(desk, officer, where)


def test_a_disclosure_takes_two_people(site: Site) -> None:  # P3
    desk, officer, where = site
    assert desk.get(f"{where}copy/").headers["Location"] == where
    assert desk.post(f"{where}judge/", {"confirmed": "yes", "masks": ""}).status_code == 403
    assert site.disclosure.confirmed is None
    assert "De rechtbank" in officer.get(where).content.decode()
    assert officer.get(f"{where}copy/").status_code == 403
    site.confirm()
    site.confirm("no")
    found = site.disclosure
    assert (found.confirmed, found.judged_by.name) == (True, "second")  # type: ignore[union-attr]
    assert lines("done").count("confirm_disclosure") == 1
    answer = desk.post(f"{where}copy/", COPY)
    assert CopyPermit.objects.get().disclosure == found
    assert "/rights/copies/" in answer.headers["Location"]


def test_nobody_confirms_what_they_proposed(archive: Archive, make: Make, sign_in: SignIn) -> None:
    officer = make(Role.PRIVACY_OFFICER)
    own = Disclosure.objects.create(
        recording=archive.record().id, to="x", ground="duty", words="y", person=officer, at_ms=now_ms()
    )
    answer = sign_in(officer).post(f"/disclosures/{own.pk}/judge/", {"confirmed": "yes", "masks": ""})
    assert answer.status_code == 403
    own.refresh_from_db()
    assert own.confirmed is None
    assert Line.objects.get().action == "confirm_disclosure"


def test_its_time_is_over_some_weeks_after_it_was_confirmed(site: Site) -> None:
    site.confirm()
    assert "Copies may be made until" in site.desk.get(site.where, headers=ENGLISH).content.decode()
    assert site.desk.get(f"{site.where}copy/").status_code == 200
    Disclosure.objects.update(judged_ms=now_ms() - DISCLOSURE_DAYS * DAY_MS)
    page = site.desk.get(site.where, headers=ENGLISH).content.decode()
    assert "No copy is made by it any more." in page
    assert f"{site.where}copy/" not in page
    assert site.desk.post(f"{site.where}copy/", COPY).headers["Location"] == site.where
    assert not CopyPermit.objects.exists()


def test_the_second_person_confirms_the_masks_that_they_saw(site: Site) -> None:
    """And not those that the first one puts there, or takes away, while they look."""
    desk, officer, where = site
    assert 'role="alert"' in desk.post(f"{where}masks/", MASK | {"stop": "0:01"}).content.decode()
    desk.post(f"{where}masks/", MASK)
    mask = Mask.objects.get()
    assert (mask.disclosure, mask.request) == (site.disclosure, None)
    assert "een buurvrouw (Zij is niet gevraagd)" in officer.get(where).content.decode()
    seen = officer.get(where).context["masks_seen"]
    desk.post(f"{where}masks/{mask.pk}/")
    officer.post(f"{where}judge/", {"confirmed": "yes", "masks": seen})
    officer.post(f"{where}judge/", {"confirmed": "yes"})
    assert site.disclosure.confirmed is None
    desk.post(f"{where}masks/", MASK)
    officer.post(f"{where}judge/", {"confirmed": "yes", "masks": seen})  # another mask, if of the same part
    assert site.disclosure.confirmed is None
    site.confirm()
    assert site.disclosure.confirmed is True
    assert Line.objects.filter(action="mask").count() == 3


def test_no_mask_goes_on_beyond_the_sound(site: Site) -> None:
    for stop in ("0:06", "1:00"):
        answer = site.desk.post(f"{site.where}masks/", MASK | {"stop": stop}, headers=ENGLISH)
        assert "The recording has 0:04 of sound. Take an earlier end." in answer.content.decode()
    assert not Mask.objects.exists()
    site.desk.post(f"{site.where}masks/", MASK | {"stop": "0:04"})
    assert Mask.objects.get().stop_ms == 4_000


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_nothing_is_masked_or_unmasked_after_that(answer: str, site: Site) -> None:
    desk, _officer, where = site
    desk.post(f"{where}masks/", MASK)
    mask = Mask.objects.get()
    site.confirm(answer)
    assert desk.get(f"{where}masks/").headers["Location"] == where
    desk.post(f"{where}masks/", MASK | {"start": "0:03", "stop": "0:04"})
    assert desk.post(f"{where}masks/{mask.pk}/").status_code == 403
    assert Mask.objects.get() == mask
    assert Line.objects.filter(action="mask").count() == 1


def test_its_masks_go_with_the_recording(site: Site) -> None:
    site.desk.post(f"{site.where}masks/", MASK)
    forgotten([site.disclosure.recording])
    assert not Mask.objects.exists()
    assert site.disclosure.words == ""


def test_a_mask_of_one_is_no_mask_of_another(site: Site, archive: Archive, make: Make, sign_in: SignIn) -> None:
    desk, _officer, where = site
    desk.post(f"{where}masks/", MASK)
    mask = Mask.objects.get()
    other = desk.post(f"/disclosures/of/{archive.record().id}/", {"to": "x", "ground": "duty", "words": "y"}).headers[
        "Location"
    ]
    assert desk.post(f"{other}masks/{mask.pk}/").status_code == 404
    for role in set(Role) - {Role.RIGHTS_DESK}:
        client = sign_in(make(role, rooms=["room-1"]))
        assert client.get(f"{where}masks/").status_code == 403
        assert client.post(f"{where}masks/", MASK).status_code == 403
        assert client.post(f"{where}masks/{mask.pk}/").status_code == 403
    assert Mask.objects.get() == mask
