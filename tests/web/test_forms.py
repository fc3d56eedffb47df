"""How forms are drawn: as Django draws them, by fewer templates."""

from django.forms import Select
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.test.html import parse_html

CHOICES = [
    ("", "all"),
    ("a&b", "<i>one</i>"),
    ("Of people", [("1", "eén"), ("2", 'two "quoted"')]),
    (3, "three"),
]
"""With what HTML must be told apart from, in groups, and a value that is no text."""


def test_a_list_of_choices_is_what_django_makes_of_it() -> None:
    options = Select(attrs={"id": "list", "required": True, "aria-describedby": "help"}, choices=CHOICES)
    for chosen in ("", "a&b", "2", 3):
        ours = options.render("kind", chosen, renderer=get_default_renderer())
        theirs = options.render("kind", chosen, renderer=DjangoTemplates())
        assert ours != theirs
        assert parse_html(ours) == parse_html(theirs)
        assert ours.count(" selected") == 1 and "&lt;i&gt;one" in ours
