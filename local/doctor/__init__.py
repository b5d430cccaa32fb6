"""The checks of `python -m local doctor`, one module per group.

`doctor_command` chooses the deployment and prints the report.
"""
