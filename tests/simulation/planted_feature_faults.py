"""Planted faults in what is done with files beyond policies, with declared digests, and with endpoints."""

from __future__ import annotations

from tests.simulation.planted_faults import Change

PLANTED_FEATURE_FAULTS: dict[str, tuple[Change, ...]] = {
    "14 a rejection is told and not done": (
        Change(
            "shared/flows/enforce_limits.py",
            "rejection if is_done else self._act(rejection, application)",
            "rejection if is_done else rejection",
        ),
    ),
    "14 a file within its limits is forbidden": (
        Change("shared/flows/enforce_limits.py", "if not violations:", "if violations is None:"),
        Change(
            "shared/flows/enforce_limits.py",
            "(within if _is_known_to_be_within(it) else doubtful).append(it)",
            "doubtful.append(it)",
        ),
    ),
    "14 a further file is deleted": (
        Change(
            "shared/flows/enforce_limits.py",
            "is_own = it.verdict is Verdict.ATTRIBUTED and it.session.file_id == it.file_id",
            "is_own = True",
        ),
    ),
    "14 what was begun is forgotten": (
        Change(
            "shared/flows/enforce_limits.py",
            "if it.begun is not None:",
            "if it.begun is None and late_by < 0:",
        ),
    ),
    "14 a file that cannot be forbidden is tried for good": (
        Change(
            "shared/flows/enforce_limits.py",
            "error.vod_code == _UNSUPPORTED_CLASS:",
            "error.vod_code == _STORAGE_CLASSES:",
        ),
    ),
    "14 a file that cannot be forbidden is told as forbidden": (
        Change(
            "shared/flows/enforce_limits.py",
            "return rejection._replace(action=NOTHING, reason=STORAGE_CLASS)",
            "return rejection",
        ),
    ),
    "15 pushed digests are believed": (
        Change(
            "shared/flows/verify_event.py",
            "        if answer.digests:\n            return VerifiedEvent(answer, confirmed=True)",
            "        if claim.digests:\n            return VerifiedEvent(claim, confirmed=True)",
        ),
    ),
    "15 each task has an event of its own": (
        Change(
            "shared/domain/ingested_event.py",
            "if context is not None and notification.digests:",
            "if context is not None and not notification:",
        ),
    ),
    "15 a lost result is not read from its task": (
        Change(
            "shared/flows/prove_bytes.py",
            "store.plan_proof(session, at=self._prove(session, figures))",
            "store.plan_proof(session, at=self._prove(session, figures) and None)",
        ),
    ),
    "15 one digest that matches is enough": (
        Change("shared/domain/app_event.py", "matches = all(", "matches = any("),
    ),
    "16 a filter is not looked at": (
        Change("shared/flows/fan_out.py", "if it.takes(ingested.event)]", "if it.name]"),
    ),
    "16 only one endpoint has retries": (
        Change(
            "shared/flows/endpoint_runs.py",
            "for run in self.to_endpoints:",
            "for run in self.to_endpoints[:1]:",
        ),
    ),
    "16 endpoints are served one after another": (
        Change(
            "shared/flows/endpoint_runs.py",
            "self.workers.begin(partial(_figures_of, run, first_failure))",
            "figures.update(run.run())",
        ),
    ),
}
