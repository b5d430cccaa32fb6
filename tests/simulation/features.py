"""What a run can leave out: a seed keeps its meaning where what it did not know then is left out."""

from __future__ import annotations

LIMITS = "limits"
"""Policies with limits and `onViolation`."""
DIGESTS = "digests"
"""Uploads whose requests declare digests of the file."""
ENDPOINTS = "endpoints"
"""In half of all worlds a second endpoint, with a filter."""
CLASSES = "classes"
"""Files of storage classes of which VOD forbids none."""
FEATURES = (LIMITS, DIGESTS, ENDPOINTS, CLASSES)
