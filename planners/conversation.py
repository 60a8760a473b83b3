"""Questions about what was said before, and the source that keeps it.

"What did you tell me about the warranty?" is for the memory; "How long is the warranty?" is not, though
somebody may have asked it before: what was said is no authority on warranties.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from planners.language import bare
from planners.parts import parts
from rag.card import SourceCard
from rag.plan import Plan, Step
from rag.protocols import Task
from rag.types import Turn

__all__ = ["asks_of_conversation", "considered", "memory_of", "remembered", "without_memory"]

_PAST: Final = (
    r"(?:said|told|asked|mentioned|talked|discussed|spoke|spoken|chatted|explained|recommended|suggested|promised|"
    r"answered|replied|agreed|decided|settled|covered|advised|described|went\s+over|brought\s+up)"
)
_BASE: Final = (
    r"(?:say|tell|ask|mention|talk|discuss|speak|chat|explain|recommend|suggest|promise|answer|reply|agree|decide|"
    r"cover|advise|describe|go\s+over|bring\s+up)"
)
_US: Final = r"(?:i|we|you|u)"
_TALK: Final = r"(?:conversations?|chats?|discussions?|talks?|sessions?|messages?|exchanges?)"
_SIGNS: Final = re.compile(
    rf"\bdid\s+(?:{_US}|the\s+(?:assistant|bot))\s+(?:(?:ever|already|just|first|last|actually|also|both|even)\s+)*{_BASE}\b"
    rf"|\b(?:have|had)\s+{_US}\s+(?:(?:ever|already|just|not|ever\s+before)\s+)*{_PAST}\b"
    rf"|\b(?:you|we)(?:['’](?:d|ve)|\s+(?:had|have))?\s+(?:(?:just|already|both|last|once|first)\s+)*{_PAST}\b"
    rf"|\b(?:what|whatever|that|thing|things|everything|something|question|questions)\s+(?:that\s+)?i(?:['’]d|['’]ve|\s+had|\s+have)?"
    rf"\s+(?:(?:just|already|last|once|first)\s+)*(?:said|told\s+you|asked(?!\s+(?:for|to)\b)|mentioned|brought\s+up)\b"
    rf"|\bwere\s+we\s+(?:talking|discussing|speaking|chatting)\b|\bwas\s+i\s+(?:saying|asking|telling)\b"
    rf"|\bwere\s+you\s+(?:saying|telling)\b"
    rf"|\bour\s+(?:\w+\s+){{0,3}}?{_TALK}\b|\bin\s+(?:this|our)\s+(?:conversation|chat)\b"
    r"|\b(?:last|previous|first|second|third|earlier|past)\s+(?:conversation|chat|discussion)s?\b"
    rf"|\b{_TALK}\s+(?:ago|before\s+last)\b"
    rf"|\b(?:my|your)\s+(?:\w+\s+)?(?:last|first|previous|earlier)\s+(?:question|answer|reply|message|remark|suggestion|recommendation)s?\b"
    rf"|\bdo\s+you\s+(?:remember|recall)\b|\bremind\s+me\s+(?:what|of\s+what|when)\s+{_US}\b",
    re.IGNORECASE,
)
_RECAP: Final = re.compile(
    r"(?:(?:please|and|so|ok(?:ay)?|could\s+you|can\s+you|would\s+you|yes)[\s,]+)*"
    r"(?:summari[sz]e|recap|sum\s+up|go\s+over|repeat|remind\s+me(?:\s+of)?|tell\s+me(?:\s+more)?(?:\s+about)?|do|what\s+was)"
    r"(?:\s+(?:it|that|this|them|those|for\s+me|again|please|all|about))*",
    re.IGNORECASE,
)


# "And on Tuesday the 5th?" goes on with what the question before it asked.
_GOES_ON: Final = re.compile(
    r"(?:(?:and|or|but|then|so)\b[\s,]*)?(?:(?:what|how)\s+about|and|or|on|in|at|during|before|after|since)\b"
    r"(?:\s+[^\s?]+){1,6}\s*\??\s*",
    re.IGNORECASE,
)


def asks_of_conversation(question: str, turns: Sequence[Turn] = ()) -> bool:
    """Whether a question is about what was said between the one who asks and the assistant.

    Example:
        >>> asks_of_conversation("What did you tell me about the warranty?")
        True
        >>> asks_of_conversation("What do reviewers say about the kettle?")
        False
        >>> said = [Turn(role="user", text="We talked about tents last week."), Turn(role="assistant", text="Yes.")]
        >>> asks_of_conversation("Can you summarize it?", said)
        True
    """
    if _SIGNS.search(question):
        return True
    before = next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
    return bool((_RECAP.fullmatch(bare(question)) or _GOES_ON.fullmatch(question)) and _SIGNS.search(before))


def memory_of(cards: Sequence[SourceCard]) -> SourceCard | None:
    """The source that keeps what was said: one whose arguments say when, or by whom, something was said."""
    return next((card for card in cards if card.argument_of_role("said")), None)


def considered(task: Task) -> Task:
    """The task with the memory among its sources only where some part of the question asks of what was said.

    Others are not for it: "How much memory does the laptop have?" would be, by its name.
    """
    others = without_memory(task)
    asked = parts(task.question) or (task.question,)
    if not others.cards or any(asks_of_conversation(part, task.turns) for part in asked):
        return task
    return others


def without_memory(task: Task) -> Task:
    """The task less the source that keeps what was said."""
    return replace(task, cards=tuple(card for card in task.cards if not card.argument_of_role("said")))


def remembered(task: Task) -> Plan | None:
    """The plan that asks what was said before, where all of the question is about that; else None."""
    card = memory_of(task.cards)
    if card is None or card.query_argument is None or task.retrieve is False:
        return None
    asked = parts(task.question) or (task.question,)
    if not all(asks_of_conversation(part, task.turns) for part in asked):
        return None
    # As it stands: the words of time and of who spoke are the memory's to read.
    step = Step(id="s1", source=card.name, args={card.query_argument: task.question})
    return Plan(steps=(step,), notes=(f"{card.name}: chosen because the question is about the conversation",))
