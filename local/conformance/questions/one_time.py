"""What uses a one-time signature up, and what a used one is still good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.conformance.question import Cost, Questions
from local.conformance.uploads import announced, applied, apply_word, commit, store

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_APPLY = "ApplyUploadUGC"


@QUESTIONS.declare(
    "one-time-repeated",
    "An Apply comes again with its one-time signature for its own session, as after a lost reply: is it a"
    " repeat?",
    source="TVCClient of Android and iOS (a lost reply, RequestTimeTooSkewed)",
    concerns="switch repeatedApply",
)
def _repeated(vod: Subject) -> Answer:
    signature, file = vod.signature(oneTimeValid=1), announced(vod)
    vod.control(_APPLY, signature=signature, **file)
    repeated = vod.control(_APPLY, signature=signature, **file)
    other = vod.signature(oneTimeValid=1)
    session = applied(vod, other)
    return {
        "for the same file": repeated.word,
        "with its session key": vod.control(_APPLY, signature=other, vodSessionKey=session.session_key).word,
    }


@QUESTIONS.declare(
    "one-time-spent",
    "Which code has a one-time signature that was used for something else?",
    source="doc 266/33922 (no code)",
    concerns="setting repeat_signature_code",
)
def _spent(vod: Subject) -> Answer:
    signature = vod.signature(oneTimeValid=1)
    applied(vod, signature)
    session = applied(vod)
    return {
        "Apply for another file": apply_word(vod, signature, videoSize=1),
        "Apply for another session": vod.control(
            _APPLY, signature=signature, vodSessionKey=session.session_key
        ).word,
        "Commit of another session": vod.control(
            "CommitUploadUGC", signature=signature, vodSessionKey=session.session_key
        ).word,
    }


@QUESTIONS.declare(
    "one-time-prepared",
    "Does Prepare use a one-time signature up, and does an Apply that is refused?",
    source="doc 266/33922; TVCClient of Android and iOS (one string for all calls)",
    concerns="signatures.UsedSignatures",
)
def _prepared(vod: Subject) -> Answer:
    signature, other = vod.signature(oneTimeValid=1), vod.signature(oneTimeValid=1)
    vod.control("PrepareUploadUGC", signature=signature)
    apply_word(vod, other, videoType="")
    return {"after Prepare": apply_word(vod, signature), "after a refused Apply": apply_word(vod, other)}


@QUESTIONS.declare(
    "one-time-committed",
    "Does Commit take the one-time signature of its own Apply, and Apply one that Commit has used?",
    source="TVCClient of Android and iOS, vod-wx-sdk-v2 (one string for all calls)",
    concerns="signatures.UsedSignatures",
    cost=Cost(uploads=2),
)
def _committed(vod: Subject) -> Answer:
    signature, fresh = vod.signature(oneTimeValid=1), vod.signature(oneTimeValid=1)
    own, other = applied(vod, signature), applied(vod)
    store(vod, own)
    store(vod, other)
    return {
        "the string of Apply": commit(vod, own, signature).word,
        "an unused one": commit(vod, other, fresh).word,
        "Apply with the one that Commit used": apply_word(vod, fresh),
    }
