"""The operation GET /health."""

from __future__ import annotations

from local.openapi.headers import headers
from local.openapi.problems import OPTIONS, problem
from local.openapi.shapes import Schema, reference


def show_health() -> Schema:
    """Return the operation."""
    return {
        "operationId": "showHealth",
        "tags": ["Operations"],
        "summary": "See whether the deployment is well",
        "description": "Without a token, that the function is alive: nothing else is asked. With the "
        "operator's, HEALTH_TOKEN, after the store has answered, and with its clock and the backlog.",
        "security": [{}, {"operatorToken": list[str]()}],
        "responses": {
            "200": {
                "description": "It is alive; with the token, the store answers.",
                "headers": headers(),
                "content": {
                    "application/json": {
                        "schema": reference("schemas", "Health"),
                        "example": {
                            "status": "ok",
                            "clockAheadSeconds": 0.012,
                            "backlog": {
                                "due": 3,
                                "overdueSeconds": 0,
                                "dead": 0,
                                "quarantined": 0,
                                "parked": 0,
                            },
                        },
                    }
                },
            },
            **problem("Unauthenticated", "A token that is not the operator's."),
            **problem("MethodNotAllowed", OPTIONS),
            **problem("Failure", "A defect, or settings that are missing."),
            **problem("StoreUnavailable", "With the token: the store does not answer."),
        },
    }
