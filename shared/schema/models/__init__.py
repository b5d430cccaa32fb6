"""The pydantic models; in no package."""
