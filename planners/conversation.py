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
    r"cover|advise|describe|write|go\s+over|bring\s+up|(?:give|send|show|read)\s+(?:me|us)|help\s+(?:me|us)\s+with)"
)
_US: Final = r"(?:i|we|you|u)"
_TALK: Final = r"(?:conversations?|chats?|discussions?|talks?|sessions?|messages?|exchanges?)"
_SUM_UP: Final = r"(?:summari[sz]e|recap|sum\s+up|go\s+over|run\s+through|remind\s+me\s+of)"
_WHEN: Final = (
    r"(?:yesterday|today|last\s+(?:week|month|year|night|time|\w+day)|this\s+(?:week|month|morning|afternoon|evening)"
    r"|(?:on\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:['’]s\s+talk)?\s*(?:please)?\s*[.?!]*$"
)
# What an organisation says in print was not said in the conversation, whoever "we" and "you" are.
_PRINTED: Final = re.compile(
    r"\b(?:in|on|at)\s+(?:our|your|the|a|this|that)\s+(?:\w+\s+){0,2}?(?:brochures?|polic(?:y|ies)|web\s*sites?|sites?|(?:web\s*)?pages?"
    r"|docs?|documents?|documentation|faqs?|terms|catalogues?|catalogs?|newsletters?|handbooks?|contracts?|manuals?|reports?"
    r"|guides?|guidelines|e?mails?|invoices?|offers?|blogs?|press\s+releases?)\b",
    re.IGNORECASE,
)
_SIGNS: Final = re.compile(
    rf"\bdid\s+(?:{_US}|the\s+(?:assistant|bot))\s+(?:(?:ever|already|just|first|last|actually|also|both|even)\s+)*{_BASE}\b"
    rf"|\b(?:have|had)\s+{_US}\s+(?:(?:ever|already|just|not|ever\s+before)\s+)*{_PAST}\b"
    rf"|\b(?:you|we)(?:['’](?:d|ve)|\s+(?:had|have))?\s+(?:(?:just|already|both|last|once|first)\s+)*{_PAST}\b"
    rf"|\b(?:what|whatever|that|thing|things|everything|something|question|questions)\s+(?:that\s+)?i(?:['’]d|['’]ve|\s+had|\s+have)?"
    rf"\s+(?:(?:just|already|last|once|first)\s+)*(?:said|told\s+you|asked(?!\s+(?:for|to)\b)|mentioned|brought\s+up)\b"
    r"|\bi\s+(?:already\s+|just\s+)?told\s+you\b|\bwhat\s+was\s+(?:said|discussed|mentioned|talked\s+about)\b"
    r"|\b(?:were\s+we|(?:have|had)\s+we\s+been)\s+(?:talking|discussing|speaking|chatting)\b"
    r"|\bwas\s+i\s+(?:saying|asking|telling)\b"
    rf"|\bwere\s+you\s+(?:saying|telling)\b"
    rf"|\bour\s+(?:\w+\s+){{0,3}}?{_TALK}\b|\bin\s+(?:this|our)\s+(?:conversation|chat)\b"
    r"|\b(?:last|previous|first|second|third|earlier|past)\s+(?:conversation|chat|discussion)s?\b"
    r"(?!\s+(?:papers?|boards?|forums?|groups?|bots?|rooms?|guides?|partners?)\b)"
    rf"|\b{_SUM_UP}\s+(?:[\w'’]+\s+){{0,5}}?{_TALK}\b|\b{_SUM_UP}\s+{_WHEN}"
    rf"|\b{_TALK}\s+(?:ago|before\s+last)\b"
    rf"|\b(?:my|your)\s+(?:\w+\s+)?(?:last|first|previous|earlier)\s+(?:question|answer|reply|message|remark|suggestion|recommendation)s?\b"
    rf"|\bdo\s+you\s+(?:remember|recall)\b|\bremind\s+me\s+(?:what|of\s+what|when)\s+{_US}\b",
    re.IGNORECASE,
)
_RECAP: Final = re.compile(
    r"(?:(?:please|and|so|ok(?:ay)?|could\s+you|can\s+you|would\s+you|yes)[\s,]+)*"
    r"(?:(?:summari[sz]e|recap|sum\s+up|go\s+over|repeat|remind\s+me(?:\s+of)?|tell\s+me(?:\s+more)?(?:\s+about)?|do|what\s+was)"
    r"(?:\s+(?:it|that|this|them|those|for\s+me|again|please|all|about))*"
    r"|(?:when|which\s+one)\s+was\s+(?:it|that|this)|who\s+said\s+(?:it|that|this|so)|(?:what|anything|something)\s+else)",
    re.IGNORECASE,
)
# "And on Tuesday the 5th?", "the one before that?" go on with what the question before asked of the conversation;
# "And how much is the blue one?" asks something of its own.
_OWN: Final = re.compile(
    r"\b(?:how|who|whom|whose|where|why|which|is|are|was|were|do|does|did|can|could|will|would|has|have|may\s+(?:i|we))\b",
    re.IGNORECASE,
)
_TIMELY: Final = re.compile(
    r"\b(?:one|ones|days?|weeks?|weekends?|months?|years?|times?|sessions?|conversations?|chats?|talks?|yesterday|today|tonight"
    r"|mornings?|noon|afternoons?|evenings?|nights?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|before|after|last|previous|next"
    r"|first|second|third|fourth|fifth|earlier|later|jan\w*|feb\w*|march|apr\w*|may|june?|july?|aug\w*|sept?\w*|oct\w*|nov\w*|dec\w*"
    r"|\d+(?:st|nd|rd|th)?)\b",
    re.IGNORECASE,
)
_FEW_WORDS: Final = 9


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
    if _speaks_of_talk(question):
        return True
    if not (_RECAP.fullmatch(bare(question)) or _goes_on(question)):
        return False
    for turn in reversed(turns):
        if turn.role == "user" and (_speaks_of_talk(turn.text) or not _goes_on(turn.text)):
            return _speaks_of_talk(turn.text)
    return False


def memory_of(cards: Sequence[SourceCard]) -> SourceCard | None:
    """The source that keeps what was said: one whose arguments say when, or by whom, something was said."""
    return next((card for card in cards if card.argument_of_role("said")), None)


def considered(task: Task) -> Task:
    """The task with the memory among its sources only where some part of the question asks of what was said.

    Others are not for it: "How much memory does the laptop have?" would be, by its name.
    """
    if memory_of(task.cards) is None:
        return task
    others = without_memory(task)
    return task if not others.cards or any(_asked(task)) else others


def without_memory(task: Task) -> Task:
    """The task less the source that keeps what was said."""
    return replace(task, cards=tuple(card for card in task.cards if not card.argument_of_role("said")))


def remembered(task: Task) -> Plan | None:
    """The plan that asks what was said before, where all of the question is about that; else None."""
    card = memory_of(task.cards)
    if card is None or card.query_argument is None or task.retrieve is False:
        return None
    if not all(_asked(task)):
        return None
    # As it stands: the words of time and of who spoke are the memory's to read.
    step = Step(id="s1", source=card.name, args={card.query_argument: task.question})
    return Plan(steps=(step,), notes=(f"{card.name}: chosen because the question is about the conversation",))


def _asked(task: Task) -> list[bool]:
    """Of each part of the question, whether it asks of the conversation; what goes on from a turn has no parts."""
    if asks_of_conversation(task.question, task.turns) and _goes_on(task.question):
        return [True]
    return [asks_of_conversation(part, task.turns) for part in parts(task.question) or (task.question,)]


def _speaks_of_talk(text: str) -> bool:
    return bool(_SIGNS.search(text)) and not _PRINTED.search(text)


def _goes_on(question: str) -> bool:
    words = question.replace("what about", "").replace("What about", "")
    return len(words.split()) <= _FEW_WORDS and bool(_TIMELY.search(words)) and not _OWN.search(words)
