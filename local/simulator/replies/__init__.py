"""The members of every reply of the simulator, declared once for each: always, absent unless, may be empty.

A reply that one SDK reads happily hangs another: what is here are the facts about VOD's and COS's replies,
with the client that needs each. The tests hold every reply that they see against it.
"""
