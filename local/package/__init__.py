"""The package that is deployed: its contents, its build, and the checks before a deployment.

The program is `python -m local.package`.
"""
