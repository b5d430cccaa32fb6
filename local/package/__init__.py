"""The package that is deployed: its contents, its build, and its own checks.

The program is `python -m local.package`.
"""
