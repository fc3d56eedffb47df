"""How forms look: each field with its label, its help and its errors tied to it, as screen readers want them."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Our field template, found among our templates."""

    field_template_name = "web/field.html"
