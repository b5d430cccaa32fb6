"""The deployment by SCF's API alone: read the cloud's state, decide on one step, take it, and read again.

Nothing is kept between two runs, so a run that was cut off is finished by the next.
"""
