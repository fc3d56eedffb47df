"""What a client says of training, afterwards and to the rights desk: yes, and no again (R4)."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action
from recorder.archive.web.access import Asked, needs, note, permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.views import look
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training.consent import begins_ms, consent_of
from recorder.archive.web.training.forms import ConsentForm
from recorder.archive.web.training.models import Fragment, State, TrainingConsent
from recorder.archive.web.training.words import CHANNELS


@needs(Action.NOTE_TRAINING)
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: Asked, recording: str) -> HttpResponse:
    """Note that the client agreed."""
    seen = look(request.user, Action.NOTE_TRAINING, recording)
    role = permit(request.user, Action.NOTE_TRAINING, recording=recording)
    given, form = consent_of(recording), ConsentForm(request.POST or None)
    if request.method == "POST" and given is None and form.is_valid():
        channel, proof = form.cleaned_data["channel"], form.cleaned_data["proof"]
        try:
            with acting():
                TrainingConsent.objects.create(
                    recording=recording, channel=channel, proof=proof, person=request.user, at_ms=now_ms()
                )
                details = {"answer": "given", "found": proof}
                note(request.user, role, Action.NOTE_TRAINING, recording=recording, details=details)
        except IntegrityError:
            messages.error(request, _("A colleague has just noted it."))
        else:
            messages.success(request, _("It is noted. The client can take it back at any time."))
        return redirect("training_consent", recording)
    context = {
        "seen": seen,
        "form": form,
        "given": given,
        "begins_ms": begins_ms(seen),
        "channels": CHANNELS,
        "withdrawn": TrainingConsent.objects.filter(recording=recording).exclude(withdrawn_ms=None).order_by("-at_ms"),
        "fragments": Fragment.objects.filter(consent=given).exclude(state=State.MAKING).count() if given else 0,
    }
    return render(request, "training/consent.html", context)


@needs(Action.NOTE_TRAINING)
@require_http_methods(["POST"])
def withdraw(request: Asked, recording: str) -> HttpResponse:
    """The client takes it back: nobody hears a fragment of it any more, at once."""
    look(request.user, Action.NOTE_TRAINING, recording)
    role = permit(request.user, Action.NOTE_TRAINING, recording=recording)
    with acting():
        given = TrainingConsent.objects.filter(recording=recording, withdrawn_ms=None)
        if withdrawn := given.update(withdrawn_ms=now_ms(), withdrawn_by=request.user):
            note(request.user, role, Action.NOTE_TRAINING, recording=recording, details={"answer": "withdrawn"})
    if withdrawn:
        messages.success(request, _("It is taken back. Its fragments cannot be heard any more, and go tonight."))
    return redirect("training_consent", recording)
