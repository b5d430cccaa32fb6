"""The conformance kit: ask a real VOD what its documents leave open, and compare it with the simulator.

`questions` has one declaration per question, `subject` what a question asks with, `examination` asks them one
after the other, `reference` runs the simulator that they are compared with.
"""
