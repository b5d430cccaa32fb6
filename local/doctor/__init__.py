"""What `python -m local doctor` looks at, a file for each group of checks.

Choosing the deployment and printing what was found is left to `local.doctor.doctor_command`.
"""
