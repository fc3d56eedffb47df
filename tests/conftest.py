"""What every test shares: a bounded, reproducible Hypothesis."""

from hypothesis import HealthCheck, settings

settings.register_profile("wederhoor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wederhoor")
